import assert from "node:assert/strict";
import { test } from "node:test";
import { digest } from "../builders.ts";
import { type Facts, planOf } from "./planning.ts";

test("exactly the images that kind will look for are pulled, each once", () => {
  const cases: readonly (readonly [Facts, readonly string[]])[] = [
    [{ inputs: { workers: 5 } }, [`kindest/node:v1.28.15@${digest("b3")}`]],
    [{ inputs: { nodeImage: "mine/node:v1.28.15" } }, ["mine/node:v1.28.15"]],
    [
      { config: "nodes:\n- role: control-plane\n- role: worker\n  image: old/node:v1.27.1\n" },
      ["old/node:v1.27.1", `kindest/node:v1.28.15@${digest("b3")}`],
    ],
    [{ config: "nodes:\n- image: a/node:v1.28.1\n- role: worker\n  image: a/node:v1.28.1\n" }, ["a/node:v1.28.1"]],
    [
      { inputs: { controlPlanes: 2, kubernetesVersion: { kind: "minor", minor: "1.34" } } },
      [`kindest/node:v1.34.0@${digest("a1")}`, "kindest/haproxy:new"],
    ],
    [{ inputs: { controlPlanes: 3 } }, [`kindest/node:v1.28.15@${digest("b3")}`]],
  ];
  for (const [facts, images] of cases) assert.deepEqual(planOf(facts).images, images, JSON.stringify(facts));
});

test("only a boot with the catalog's images is accelerated, even if the user names one of them", () => {
  const listed = planOf({}).versions.nodeImage;
  assert.ok("fastBoot" in planOf({}).boot);
  assert.ok("fastBoot" in planOf({ inputs: { nodeImage: listed } }).boot);
  assert.ok("notUsedBecause" in planOf({ inputs: { nodeImage: "mine/node:v1.28.15" } }).boot);
  assert.ok("notUsedBecause" in planOf({ config: "nodes:\n- image: mine/node:v1.28.15\n" }).boot);
});
