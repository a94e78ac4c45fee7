import assert from "node:assert/strict";
import { test } from "node:test";
import { madeImages, programOf } from "../../../testbed/conformance-images.ts";

test("an image is made for each name that is the official registry's, but for those that must not exist", () => {
  const made = ["registry.k8s.io/e2e-test-images/agnhost:2.47", "registry.k8s.io/pause:3.9"];
  const others = ["gcr.io/k8s-authenticated-test/agnhost:2.6", "registry.k8s.io/e2e-test-images/volume/nfs:1.3"];
  assert.deepEqual(madeImages([...made, ...others]), made);
  assert.equal(programOf("localhost:5000/a/b:1"), "b");
  assert.equal(programOf("localhost:5000/a/b"), "b");
});
