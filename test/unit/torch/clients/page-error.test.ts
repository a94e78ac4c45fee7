import assert from "node:assert/strict";
import { test } from "node:test";
import { describePage } from "../../../../src/torch/clients/page-error.ts";

test("the line of a page that names the error is kept, and a template is left out", () => {
  const say = (...errors: readonly string[]) => describePage({ title: "TORCH", forms: [], links: [], errors });
  const base64 = `${"QUJD".repeat(20_000)}=`;
  const trace = [
    "Invalid template submitted: Traceback (most recent call last):",
    ' File "tosca_parser.py", line 7, in load',
    `ValueError: "${base64}" is not a valid file.`,
    "During handling of the above exception, another exception occurred:",
    "Traceback (most recent call last):",
    `toscaparser.common.exception.InvalidTypeError: Type "a.B" is not valid. b'PK\\x03\\x04 it\\'s' end`,
  ];
  assert.equal(say(), "TORCH");
  assert.equal(say("one", "two\nthree"), "one two three");
  assert.equal(say(`bad ${base64} end`), "bad [the template] end");
  assert.equal(
    say(trace.join("\n")),
    'Invalid template submitted: toscaparser.common.exception.InvalidTypeError: Type "a.B" is not valid. [the template] end',
  );
  // If there is no other reason, that one is shown.
  assert.match(say(trace.slice(0, 3).join("\n")), /^Invalid template submitted: ValueError: "\[the template\]" is not/);
  assert.match(say("Traceback (most recent call last)\nKeyError: 'x'\nKeyError: 'x'"), /^\s*KeyError: 'x'$/);
  const long = "word ".repeat(20_000);
  for (const text of [long, `Traceback (most recent call last)\n${`ValueError: ${long}\n`.repeat(9)}`]) {
    assert.ok(say(text).length < 1100, String(say(text).length));
  }
});
