import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnosePulls } from "../../../src/diagnosis/pulls.ts";
import { only } from "../builders.ts";

/** Messages of kubelets of 1.28 and 1.37 with containerd 1.7. */
const failed = (image: string, why: string) =>
  `Failed to pull image "${image}": failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${why}`;

test("a registry that refuses, its limit, and one that is not reached", () => {
  const cases = [
    ["unexpected status from HEAD request to http://r:5000/v2/a/manifests/1: 401 Unauthorized", /pull-credentials/],
    ["pull access denied, repository does not exist or may require authorization", /pull-credentials/],
    ["authorization failed: no basic auth credentials", /pull-credentials/],
    ["429 Too Many Requests: toomanyrequests: You have reached your pull rate limit", /registry-mirrors/],
    ["failed to do request: Head: dial tcp: lookup r.example on 172.18.0.1:53: no such host", /registry-mirrors/],
  ] as const;
  for (const [why, fix] of cases) assert.match(only(diagnosePulls([failed("r.example/a:1", why)])).fix, fix, why);
});

test("what names its cause itself, and what is not about a pull, is left alone", () => {
  assert.deepEqual(diagnosePulls([failed("r.example/a:1", "r.example/a:1: not found"), "Error: ImagePullBackOff"]), []);
  assert.deepEqual(diagnosePulls(["Error: 401 Unauthorized"]), []);
});

test("each image is named once, and not without end", () => {
  const why = "401 Unauthorized";
  assert.equal(diagnosePulls([failed("a/b:1", why), failed("a/b:1", why)]).length, 1);
  assert.equal(diagnosePulls(Array.from({ length: 9 }, (_, index) => failed(`a/b:${index}`, why))).length, 5);
});
