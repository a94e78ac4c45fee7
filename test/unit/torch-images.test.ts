import assert from "node:assert/strict";
import { test } from "node:test";
import { excerptBuild, planBuild } from "../../src/torch/stack/images.ts";

test("a build's arguments hold no credential, and a cache only where it can be reached", () => {
  const build = { context: "/src/d", dockerfile: "/src/d/Dockerfile", args: { A: "b c" }, target: "prod" };
  const plain = planBuild(build, "i:1", "kind-torch-dashboard", false);
  assert.deepEqual(plain, [
    "buildx",
    "build",
    "--progress=plain",
    "--load",
    "--provenance=false",
    "--tag=i:1",
    "--file=/src/d/Dockerfile",
    "--build-arg=A",
    "--target=prod",
    "/src/d",
  ]);
  const cached = planBuild(build, "i:1", "kind-torch-dashboard", true);
  assert.deepEqual(
    cached.filter((word) => !plain.includes(word)),
    [
      "--cache-from=type=gha,scope=kind-torch-dashboard",
      "--cache-to=type=gha,scope=kind-torch-dashboard,mode=max,ignore-error=true",
    ],
  );
});

test("of a failed build the failing step is told", () => {
  const progress = [
    "#1 [internal] load build definition",
    "#5 [2/2] RUN false",
    "#5 ERROR: process did not complete",
    "------",
    " > [2/2] RUN make:",
    "0.2 make: no rule",
    "------",
    "Dockerfile:2",
    "ERROR: failed to solve",
  ].join("\n");
  assert.match(excerptBuild(progress), /^ > \[2\/2\] RUN make:\n0.2 make: no rule/);
  assert.equal(excerptBuild("a\nERROR: no such builder\n"), "a\nERROR: no such builder");
});
