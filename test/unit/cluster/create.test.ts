import assert from "node:assert/strict";
import { test } from "node:test";
import { unreachableFix } from "../../../src/cluster/create.ts";

test("an API server that is not reached has a fix for where the engine is", () => {
  assert.match(unreachableFix({ kind: "this-machine" }), /nothing on this machine blocks/);
  assert.match(unreachableFix({ kind: "remote", host: "build.example" }), /build\.example lets this machine connect/);
  // A service whose port is published here: nothing else of it is.
  assert.match(unreachableFix({ kind: "remote", host: "localhost" }), /by localhost only the engine's own port/);
});
