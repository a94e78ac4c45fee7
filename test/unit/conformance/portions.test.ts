import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePortion } from "../../conformance/portions.ts";

const known = new Map([
  ["a", 10],
  ["b", 300],
  ["c [Serial]", 30],
]);

test("what must run alone comes last, and alone", () => {
  const limits = { processes: 8, minutes: 20 };
  assert.deepEqual(choosePortion(["a", "b", "c [Serial]"], known, limits), { names: ["b", "a"], processes: 8 });
  assert.deepEqual(choosePortion(["c [Serial]"], known, limits), { names: ["c [Serial]"], processes: 1 });
});

test("a portion ends in time: what takes longer is left, and what is not known is taken for 20 seconds", () => {
  const limits = { processes: 2, minutes: 2 };
  assert.deepEqual(choosePortion(["a", "b", "c [Serial]"], known, limits).names, ["a"]);
  const many = Array.from({ length: 50 }, (_, index) => `${index}`);
  assert.deepEqual(choosePortion(["d [Slow]"], known, limits).names, []);
  assert.equal(choosePortion(many, known, limits).names.length, 9);
  assert.deepEqual(choosePortion(many, known, { processes: 2, minutes: 0.1 }).names, []);
});
