import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pathWithin } from "../../../src/values/paths.ts";
import { readValue } from "../builders.ts";

test("a path stays in the workspace or the temporary folder", () => {
  const parse = pathWithin(["/ws/repo", "/tmp/runner"]);
  const good: readonly (readonly [string, string])[] = [
    ["kind.yaml", "/ws/repo/kind.yaml"],
    ["./a/../b", "/ws/repo/b"],
    [".", "/ws/repo"],
    ["/ws/repo/a", "/ws/repo/a"],
    ["/tmp/runner/a", "/tmp/runner/a"],
    ["..data/kind.yaml", "/ws/repo/..data/kind.yaml"],
    ["...", "/ws/repo/..."],
  ];
  for (const [text, path] of good) assert.equal(readValue(parse(text)), path);
  const bad = [
    "..",
    "../x",
    "a/../../x",
    "/",
    "/etc/passwd",
    "/ws/repo-other/x",
    "/tmp/runner/../x",
    "a\0b",
    "../repo2",
  ];
  for (const text of bad) assert.equal(readValue(parse(text)), undefined, text);
});

test("no accepted path leads outside", () => {
  const piece = fc.constantFrom("..", ".", "a", "", "...", "..a", "ws", "repo", "tmp", "~");
  const path = fc.tuple(fc.constantFrom("", "/"), fc.array(piece, { maxLength: 8 })).map(([a, b]) => a + b.join("/"));
  fc.assert(
    fc.property(fc.oneof(path, fc.string()), (text) => {
      const value = readValue(pathWithin(["/ws/repo"])(text));
      assert.ok(value === undefined || value === "/ws/repo" || value.startsWith("/ws/repo/"));
    }),
    { numRuns: 500 },
  );
});
