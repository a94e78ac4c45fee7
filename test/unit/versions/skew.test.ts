import assert from "node:assert/strict";
import { test } from "node:test";
import { isWithin, kubectlRange, kubeletRange } from "../../../src/versions/skew.ts";

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
