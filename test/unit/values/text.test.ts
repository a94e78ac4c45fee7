import assert from "node:assert/strict";
import { test } from "node:test";
import { splitList } from "../../../src/values/text.ts";

test("a list is separated by commas or line breaks, of Windows too, and empty items are dropped", () => {
  assert.deepEqual(splitList(" a, b\r\nc\n\n,,\td "), ["a", "b", "c", "d"]);
  assert.deepEqual(splitList(" ,\n"), []);
});
