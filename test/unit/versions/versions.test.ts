import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { minorOf, parseVersionRequest, satisfies, showRequest } from "../../../src/versions/request.ts";
import { isWithin, kubectlRange, kubeletRange } from "../../../src/versions/skew.ts";

test("a version is asked for as latest, a minor or exact, with or without v", () => {
  assert.deepEqual(parseVersionRequest("latest"), { kind: "latest" });
  assert.deepEqual(parseVersionRequest("v1.30"), { kind: "minor", minor: "1.30" });
  assert.deepEqual(parseVersionRequest("1.3"), { kind: "minor", minor: "1.3" });
  assert.deepEqual(parseVersionRequest("v1.28.15"), { kind: "exact", version: "1.28.15" });
  assert.deepEqual(parseVersionRequest("1.35.0-rc.1"), { kind: "exact", version: "1.35.0-rc.1" });
});

test("anything else is no version", () => {
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

test("a request is shown as it can be asked again, and nothing in it can leave a path", () => {
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

test("kubectl may be one minor older or newer than the API server", () => {
  assert.deepEqual(kubectlRange("1.28.15"), ["1.27", "1.29"]);
  const cases: readonly (readonly [string, boolean])[] = [
    ["1.26.9", false],
    ["1.27.0", true],
    ["1.28.0", true],
    ["1.29.99", true],
    ["1.30.0", false],
    ["2.28.0", false],
    ["0.28.0", false],
  ];
  for (const [kubectl, good] of cases) assert.equal(isWithin(kubectl, kubectlRange("1.28.15")), good, kubectl);
});

test("a kubelet may be three minors older than the API server, two before 1.28, and never newer", () => {
  assert.deepEqual(kubeletRange("1.31.0"), ["1.28", "1.31"]);
  assert.deepEqual(kubeletRange("1.28.0"), ["1.25", "1.28"]);
  assert.deepEqual(kubeletRange("1.27.16"), ["1.25", "1.27"]);
  assert.deepEqual(kubeletRange("1.1.0"), ["1.0", "1.1"]);
});
