import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutputReader, parseEnd, toShownLine } from "../../../src/command/output.ts";

function readAll(...pieces: readonly string[]) {
  const reader = new OutputReader();
  for (const piece of pieces) reader.write(piece);
  return reader.end();
}

test("how a command ended is its exit code and its seconds, and nothing else is", () => {
  assert.deepEqual(parseEnd("3 12\n"), { exitCode: 3, seconds: 12 });
  assert.deepEqual(parseEnd("0 0"), { exitCode: 0, seconds: 0 });
  for (const text of ["", "3", "3 ", "-1 2", "a b", "3 4 5", "1000 1", "3 99999999"])
    assert.deepEqual(parseEnd(text), {});
});

test("the last lines are kept, without colours and without what was overwritten", () => {
  const lines = Array.from({ length: 80 }, (_, index) => `line ${index}`);
  const { tail } = readAll(lines.join("\n"));
  assert.equal(tail.length, 50);
  assert.deepEqual([tail[0], tail.at(-1)], ["line 30", "line 79"]);
  assert.equal(toShownLine("10 %\r50 %\r\u001b[32m100 %\u001b[0m\r"), "100 %");
  assert.equal(toShownLine("\u001b]0;title\u0007text"), "text");
});

test("what a command asks to mask is known, also with line ends in it, and is not a line", () => {
  const { tail, masks } = readAll(
    "a\n::add-mask::first secret\n  ::add-mask::one%0Atwo words%0D%0Aper%2525cent\n##[add-mask]old way\n::add-mask::ab\nb",
  );
  assert.deepEqual(tail, ["a", "b"]);
  assert.deepEqual(masks, ["first secret", "one", "two words", "per%25cent", "old way"]);
});

test("it does not matter in which pieces the output comes", () => {
  const words = fc.array(fc.constantFrom("a", "\n", "\r\n", "::add-mask::secret", " ", "é", "\u001b[1m"), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(words, (parts) => {
      assert.deepEqual(readAll(...parts), readAll(parts.join("")));
    }),
  );
});

test("a line without an end takes no more memory than is kept of it", () => {
  const reader = new OutputReader();
  for (let round = 0; round < 100; round += 1) reader.write("x".repeat(100_000));
  assert.ok((reader.end().tail[0] ?? "").length < 40_000);
});
