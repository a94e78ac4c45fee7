import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  minorOf,
  parseVersionRequest,
  readVersionInput,
  satisfies,
  showRequest,
} from "../../../src/versions/request.ts";

test("a version is requested as latest, by its minor or exactly, with or without v", () => {
  assert.deepEqual(parseVersionRequest("latest"), { kind: "latest" });
  assert.deepEqual(parseVersionRequest("v1.30"), { kind: "minor", minor: "1.30" });
  assert.deepEqual(parseVersionRequest("1.3"), { kind: "minor", minor: "1.3" });
  assert.deepEqual(parseVersionRequest("v1.28.15"), { kind: "exact", version: "1.28.15" });
  assert.deepEqual(parseVersionRequest("1.35.0-rc.1"), { kind: "exact", version: "1.35.0-rc.1" });
});

test("anything else is not a version", () => {
  const bad = [
    "",
    "1",
    "1.",
    ".28",
    "1.28.",
    "1.28.x",
    "1.x",
    "^1.28",
    ">=1.28.0",
    "1.28 - 1.30",
    "=1.28.0",
    "vv1.28",
    "V1.28",
    "01.28",
    "1.028",
    "1.28.01",
    "1.28,1.29",
    "Latest",
    "stable",
    "-1.28",
    "1.-28",
    "1.28.15/../../x",
    "1.28\0",
    "١.٢٨",
    "1.28.15 --all",
    "__proto__",
    "1e0.28",
    `1.${"9".repeat(400)}`,
    `1.28.${"9".repeat(400)}`,
  ];
  for (const text of bad) assert.equal(parseVersionRequest(text), undefined, JSON.stringify(text));
});

test("a request is shown in a form that can be requested again, with nothing in it that can leave a path", () => {
  const part = fc.nat({ max: 200 });
  const written = fc.oneof(
    fc.tuple(part, part).map((parts) => parts.join(".")),
    fc.tuple(part, part, part).map((parts) => parts.join(".")),
    fc.string(),
  );
  fc.assert(
    fc.property(written, (text) => {
      const request = parseVersionRequest(text);
      if (request === undefined) return;
      assert.deepEqual(parseVersionRequest(showRequest(request)), request);
      assert.match(showRequest(request), /^[0-9A-Za-z.-]+$/);
    }),
    { numRuns: 500 },
  );
});

test("a minor takes every patch of its own and none of 1.3 for 1.30", () => {
  assert.ok(satisfies("1.30.13", { kind: "minor", minor: "1.30" }));
  assert.ok(!satisfies("1.30.13", { kind: "minor", minor: "1.3" }));
  assert.ok(!satisfies("1.30.13", { kind: "exact", version: "1.30.1" }));
  assert.ok(satisfies("0.1.0", { kind: "latest" }));
  assert.equal(minorOf("1.30.13"), "1.30");
});

test("a version input that cannot be read is a problem, and auto requests nothing", () => {
  assert.equal(readVersionInput("kind-version", "auto", ["auto", "latest"]), undefined);
  const problem = readVersionInput("kubernetes-version", "auto", ["latest"]);
  assert.ok(problem !== undefined && "input" in problem && problem.input === "kubernetes-version");
});
