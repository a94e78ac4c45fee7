import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { marked } from "marked";
import { details, fenced, heading, messageAlert, table } from "../../../src/report/markdown/blocks.ts";
import { code, inline, link, list, text } from "../../../src/report/markdown/inline.ts";
import { assertInert, hostileText, readPage } from "../hostile.ts";

function render(markdown: { toString(): string }) {
  return readPage(marked.parse(markdown.toString(), { async: false }));
}

/** What a reader sees of a page, without what a browser collapses. */
function seenIn(markdown: { toString(): string }): string {
  const { texts } = render(markdown);
  return collapse(texts.map((each) => each.text).join(""));
}

function collapse(value: string): string {
  return value.replace(/\s+/g, " ").trim();
}

/** A text of one line without characters that are shown differently. */
const line = hostileText.map((value) => collapse(value.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, " ")));

test("text shows exactly itself, wherever it is", () => {
  fc.assert(
    fc.property(line, line, (a, b) => {
      assert.equal(seenIn(heading(2, a)), a);
      assert.equal(seenIn(heading(2, inline`${a}${b}`)), collapse(a + b));
      assert.equal(seenIn(heading(2, list([code(a), b]))), collapse(`${a}, ${b}`));
      assert.equal(seenIn(messageAlert("CAUTION", `${a}\n${b}`, 100_000)), collapse(`[!CAUTION] ${a} ${b}`));
      assert.equal(seenIn(table([a, code(b)], [])), collapse(`${a} ${b}`));
    }),
  );
});

test("the title of what is folded away shows exactly itself: its line is HTML, in which Markdown has no escapes", () => {
  assert.equal(seenIn(details("a [b] `c` \\d | *e*", [])), "a [b] `c` \\d | *e*");
  fc.assert(
    fc.property(line, (title) => {
      const folded = details(title, []);
      assert.equal(seenIn(folded), title);
      assertInert(render(folded));
    }),
  );
});

test("adjacent pieces of a line do not combine into markup", () => {
  const make = { text, code, link: (value: string) => link(value, "https://a.example/b?c&lt;=d") };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("text" as const, "code" as const, "link" as const), line), { maxLength: 6 }),
      (pieces) => {
        const made = pieces.map(([kind, value]) => make[kind](value));
        const content = made.reduce((all, each) => inline`${all}${each}`, text(""));
        for (const markdown of [heading(2, content), table([content], [[content]])]) {
          const page = render(markdown);
          assertInert(page, ["https://a.example/b?c&lt;=d"]);
          assert.ok(page.elements.every(({ name }) => name !== "img"));
        }
      },
    ),
  );
});

test("adjacent code spans stay separate", () => {
  const page = render(heading(2, inline`${code("a")}${code("b")}`));
  assert.deepEqual(
    page.texts.filter(({ inside }) => inside.includes("code")).map((each) => each.text),
    ["a", "b"],
  );
});

test("an address is a link only if it is http or https, without a password and without blanks", () => {
  for (const url of [
    "javascript:alert(1)",
    "data:text/html,x",
    "https://user:secret@a.example",
    "https://a.example/ b",
    "https://a.example/\nb",
    "https://a.example/)](javascript:alert(1))",
    "https://a.example/<b>",
    "https://\u202ea.example",
    "//a.example",
    "",
  ]) {
    assertInert(render(heading(2, link("label", url))));
    assertInert(render(heading(2, link(url, url))));
  }
  const page = render(heading(2, link("a [b](c)", "https://a.example/b?c=1&copy=2#d_e_f")));
  assertInert(page, ["https://a.example/b?c=1&copy=2#d_e_f"]);
  assert.ok(page.elements.some(({ name }) => name === "a"));
});

test("output is shown as it is, line by line, with invisible characters made visible", () => {
  const ends = ["\n", "\r", "\r\n", "\v", "\f", "\u0085", "\u2028", "\u2029"];
  for (const end of ends)
    assert.deepEqual(fenced("text", [`a${end}b`]).lines.slice(1, -1), ["a", "b"], JSON.stringify(end));
  assert.deepEqual(
    fenced("text", ["\u001b[31ma\u0000\u007f\u202eb\u2066\u009b\u200bc", "\td 👩\u200d💻"]).lines.slice(1, -1),
    ["␛[31ma␀␡<U+202E>b<U+2066><U+009B><U+200B>c", "\td 👩\u200d💻"],
  );
  assert.deepEqual(seenIn(heading(2, "a\u202eb\nc\u2028d")), "a<U+202E>b c d");
});

test("nothing in an output ends its fence", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(hostileText, fc.constantFrom("~".repeat(255), "`".repeat(1000)))), (lines) => {
      const [first = "", ...rest] = fenced("text", lines).lines;
      const fence = /^[~`]+/.exec(first)?.[0] ?? "";
      assert.equal(rest.pop(), fence);
      // GitHub's parser counts no further than 255.
      assert.ok(fence.length >= 3 && fence.length < 255);
      const closing = new RegExp(`^ {0,3}${fence.charAt(0)}{${fence.length},}[ \\t]*$`);
      for (const line of rest) assert.doesNotMatch(line, closing);
    }),
  );
});
