import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeStreams } from "../../../src/docker/container-logs.ts";

const at = (second: number, text: string) => `2026-11-25T10:00:${String(second).padStart(2, "0")}.000000000Z ${text}\n`;

test("two streams become one in the order of time, without the stamps", () => {
  const stdout = at(1, "one") + at(3, "three") + at(3, "three and more") + at(5, "");
  const stderr = at(2, "  two") + at(4, "FATAL: the APP_KEY is missing");
  const merged = "one\n  two\nthree\nthree and more\nFATAL: the APP_KEY is missing\n\n";
  assert.equal(mergeStreams(stdout, stderr), merged);
  assert.equal(mergeStreams(stderr, stdout), merged);
  assert.equal(mergeStreams("", ""), "");
  assert.equal(mergeStreams(at(1, "a").trimEnd()), "a\n");
});

test("no line of two streams is lost, and each keeps its order", () => {
  const stream = fc.array(fc.tuple(fc.nat({ max: 59 }), fc.string({ unit: fc.constantFrom("a", "b", " ") })));
  fc.assert(
    fc.property(stream, stream, (a, b) => {
      const ordered = [a, b].map((lines) =>
        lines.toSorted(([x], [y]) => x - y).map(([second, text]) => [second, `-${text}`] as const),
      );
      const merged = mergeStreams(...ordered.map((lines) => lines.map(([second, text]) => at(second, text)).join("")));
      const all = ordered.flat().toSorted(([x], [y]) => x - y);
      assert.equal(merged, all.map(([, text]) => `${text}\n`).join(""));
    }),
  );
});
