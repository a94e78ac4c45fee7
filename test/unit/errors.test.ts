import assert from "node:assert/strict";
import { test } from "node:test";
import { describeError, Failure } from "../../src/errors.ts";

test("anything thrown has a text, and a failure's fix is part of it", () => {
  assert.match(describeError(new Failure("It broke.", { fix: "repair it" })), /It broke\.\n.*repair it/);
  for (const thrown of ["text", 5, null, undefined, new Error("x"), Symbol("s"), { a: 1 }]) {
    assert.notEqual(describeError(thrown), "");
  }
});
