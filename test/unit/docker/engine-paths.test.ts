import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { enginePath } from "../../../src/docker/engine-paths.ts";
import { isWithinFolder } from "../../../src/values/paths.ts";

const MOUNTS = [
  { source: "/home/runner/work", destination: "/__w" },
  { source: "/home/runner/work/_temp", destination: "/__w/_temp" },
  { source: "/var/lib/docker/volumes/v/_data", destination: "/data" },
];
const JOB = { kind: "container", name: "job", networkOf: "1", networks: [], mounts: MOUNTS } as const;

test("a path in a job's container is one of the engine's machine by the innermost mount", () => {
  for (const [path, there] of [
    ["/__w/repo/repo", "/home/runner/work/repo/repo"],
    ["/__w", "/home/runner/work"],
    ["/__w/_temp/kind", "/home/runner/work/_temp/kind"],
    ["/__w/repo/../_temp/x", "/home/runner/work/_temp/x"],
    ["/__w/made/", "/home/runner/work/made/"],
    ["/data/x", "/var/lib/docker/volumes/v/_data/x"],
    ["/__work/x", undefined],
    ["/tmp/x", undefined],
  ] as const) {
    assert.equal(enginePath(JOB, path), there, path);
  }
});

test("on the engine's machine every path is its own, and on another one none is", () => {
  assert.equal(enginePath({ kind: "this-machine" }, "relative/x"), "relative/x");
  assert.equal(enginePath({ kind: "remote", host: "docker" }, "/x"), undefined);
});

test("no path leads out of what is mounted", () => {
  const path = fc
    .array(fc.constantFrom("__w", "_temp", "data", "..", ".", "x", ""))
    .map((parts) => `/${parts.join("/")}`);
  fc.assert(
    fc.property(path, (each) => {
      const there = enginePath(JOB, each);
      return there === undefined || MOUNTS.some(({ source }) => isWithinFolder(source, there));
    }),
  );
});
