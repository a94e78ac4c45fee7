import assert from "node:assert/strict";
import { test } from "node:test";
import { only } from "../builders.ts";
import { resolve } from "./requests.ts";

test("kubelets may be older by the skew policy, never newer", () => {
  const worker = (image: string) => [
    { controlPlane: true, image: undefined },
    { controlPlane: false, image },
  ];
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["1.31.12", "kindest/node:v1.28.0", true],
    ["1.31.12", "kindest/node:v1.27.16", false],
    ["1.31.2", "kindest/node:v1.31.12", false],
    ["1.31.12", "kindest/node:v1.34.0", false],
    ["1.27.16", "kindest/node:v1.25.16", true],
    ["1.27.16", "kindest/node:v1.24.17", false],
  ];
  for (const [kubernetes, image, good] of cases) {
    const resolution = resolve({ kubernetes, images: worker(image) });
    assert.equal(resolution.ok, good, `${image} beside ${kubernetes}`);
    if (!resolution.ok) assert.equal(only(resolution.problems).value, image);
    else assert.match(only(resolution.versions.warnings), /several Kubernetes versions/);
  }
});
