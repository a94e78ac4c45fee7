import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boolean, oneOf, wholeNumber } from "../../../src/values/choices.ts";
import { readValue } from "../builders.ts";
import { HOSTILE } from "./hostile.ts";

test("a whole number is digits within its bounds", () => {
  const parse = wholeNumber(0, 50);
  for (const [text, value] of [
    ["0", 0],
    ["50", 50],
    ["007", 7],
  ] as const)
    assert.equal(readValue(parse(text)), value);
  for (const text of [...HOSTILE, "51", "-1", "+1", "1.0", "1_0", "1,0", "1 0"]) {
    assert.equal(readValue(parse(text)), undefined, JSON.stringify(text));
  }
});

test("an accepted whole number is a safe integer between the bounds", () => {
  const bounds = fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  fc.assert(
    fc.property(bounds, fc.oneof(fc.string(), fc.bigInt().map(String), fc.double().map(String)), ([min, max], text) => {
      const value = readValue(wholeNumber(min, max)(text));
      if (value === undefined) return;
      assert.ok(Number.isSafeInteger(value) && value >= min && value <= max);
      assert.equal(BigInt(text), BigInt(value));
    }),
  );
});

test("a boolean is YAML 1.2's and nothing that merely looks true", () => {
  for (const text of ["true", "True", "TRUE"]) assert.equal(readValue(boolean(text)), true);
  for (const text of ["false", "False", "FALSE"]) assert.equal(readValue(boolean(text)), false);
  for (const text of [...HOSTILE, "yes", "on", "1", "tRUE", "true "]) assert.equal(readValue(boolean(text)), undefined);
});

test("a choice is one of the words, and never a property of Object", () => {
  const parse = oneOf(["fail", "replace"]);
  assert.equal(readValue(parse("replace")), "replace");
  for (const text of [...HOSTILE, "Fail", "fail,replace"]) assert.equal(readValue(parse(text)), undefined, text);
});
