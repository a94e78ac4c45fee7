import assert from "node:assert/strict";
import { test } from "node:test";
import { only } from "../builders.ts";
import { type Asked, accepted, refused } from "./requests.ts";

test("kind is the newest release whose list has the wanted Kubernetes", () => {
  const cases: readonly (readonly [Asked, string, string])[] = [
    [{ kubernetes: "1.31" }, "1.31.12", "0.30.0"],
    [{ kubernetes: "1.31.2" }, "1.31.2", "0.25.0"],
    [{ kubernetes: "1.31", kind: "0.25" }, "1.31.2", "0.25.0"],
    [{ kubernetes: "1.27" }, "1.27.16", "0.25.0"],
    [{ kubernetes: "latest" }, "1.34.0", "0.30.0"],
    [{ kubernetes: "latest", kind: "0.25.0" }, "1.31.2", "0.25.0"],
    [{ kubernetes: "1.34", kind: "latest" }, "1.34.0", "0.30.0"],
  ];
  for (const [asked, kubernetes, kind] of cases) {
    const versions = accepted(asked);
    assert.deepEqual([versions.kubernetes, versions.kind], [kubernetes, kind], JSON.stringify(asked));
  }
});

test("the load balancer's image is the chosen release's", () => {
  assert.equal(accepted({ kubernetes: "1.34" }).loadBalancerImage, "kindest/haproxy:new");
  assert.equal(accepted({}).loadBalancerImage, undefined);
});

test("an unknown kind release is refused with the known ones", () => {
  assert.match(only(refused({ kind: "0.99.0" })).allowed, /0\.30\.0, 0\.25\.0/);
});

test("a kind release too old for the image is refused with the oldest that works", () => {
  const problem = only(refused({ nodeImage: "kindest/node:v1.33.0", kind: "0.25.0" }));
  assert.equal(problem.input, "kind-version");
  assert.match(problem.allowed, /0\.27\.0/);
});
