import assert from "node:assert/strict";
import { test } from "node:test";
import { digest, only } from "../builders.ts";
import { accepted, refused } from "./requests.ts";

test("a node image outside the catalog works, with a warning", () => {
  const versions = accepted({ nodeImage: "registry.example:5000/node:v1.26.3" });
  assert.equal(versions.kubernetes, "1.26.3");
  assert.equal(versions.kubectl, "1.26.3");
  assert.equal(versions.kind, "0.30.0");
  assert.match(
    only(versions.warnings),
    /registry\.example:5000\/node:v1\.26\.3 is not in the catalog .*not verified\.$/,
  );
});

test("a node image from the catalog causes no warning", () => {
  const versions = accepted({ nodeImage: `kindest/node:v1.28.15@${digest("b3")}` });
  assert.deepEqual([versions.kind, versions.warnings], ["0.25.0", []]);
});

test("an image whose tag does not name its version needs an exact kubernetes-version", () => {
  const nodeImage = `registry.example:5000/node@${digest("d")}`;
  assert.equal(only(refused({ nodeImage })).input, "node-image");
  assert.equal(only(refused({ nodeImage, kubernetes: "1.31" })).input, "node-image");
  assert.equal(accepted({ nodeImage, kubernetes: "1.31.9" }).kubernetes, "1.31.9");
});

test("a tag with something after the version is that version's image", () => {
  const versions = accepted({ nodeImage: "registry.example/node:v1.31.9-patched", kubernetes: "1.31.9" });
  assert.deepEqual([versions.kubernetes, versions.kubectl], ["1.31.9", "1.31.9"]);
});

test("an image that contradicts kubernetes-version is refused naming both", () => {
  const problem = only(refused({ nodeImage: "kindest/node:v1.31.2", kubernetes: "1.28" }));
  assert.equal(problem.input, "kubernetes-version and node-image");
  const theirs = only(refused({ images: [{ controlPlane: true, image: "kindest/node:v1.31.2" }], kubernetes: "1.28" }));
  assert.equal(theirs.input, "kubernetes-version and kind-config");
  accepted({ nodeImage: "kindest/node:v1.31.2", kubernetes: "1.31" });
});

test("a control plane's image in the kind configuration decides the cluster's version", () => {
  const image = `kindest/node:v1.31.2@${digest("b1")}`;
  const versions = accepted({
    images: [
      { controlPlane: false, image: undefined },
      { controlPlane: true, image },
    ],
  });
  assert.deepEqual([versions.kubernetes, versions.kind, versions.nodeImage], ["1.31.2", "0.25.0", image]);
});
