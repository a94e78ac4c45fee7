import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { nearestName } from "../../../src/values/spelling.ts";
import { environmentOf, FOLDERS, only } from "../builders.ts";

const warnings = (inputs: Readonly<Record<string, string>>) => readInputs(environmentOf(inputs), FOLDERS).warnings;

test("inputs of other actions are matched with ours, in one warning, without their values", () => {
  const text = only(
    warnings({
      cluster_name: "s3cret",
      config: "kind.yaml",
      NODE_IMAGE: "x",
      version: "v1",
      localregistry: "true",
      wait: "1m",
    }),
  );
  for (const pair of [
    "cluster_name (here: cluster-name)",
    "config (here: kind-config)",
    "node_image (here: node-image)",
  ]) {
    assert.ok(text.includes(pair), text);
  }
  assert.match(text, /localregistry \(here: registry\).*version \(here: kind-version\)/);
  assert.doesNotMatch(text, /s3cret|wait/);
});

test("a misspelled input is matched with the nearest one, and an unknown one is only named", () => {
  assert.match(only(warnings({ worker: "2" })), /worker \(did you mean workers\?\)/);
  assert.match(only(warnings({ "kubernets-version": "1.31" })), /did you mean kubernetes-version\?/);
  assert.match(only(warnings({ frobnicate: "1" })), /no effect: frobnicate\. Fix: /);
});

test("our own inputs and empty ones cause no warning", () => {
  assert.deepEqual(warnings({}), []);
  assert.deepEqual(warnings({ workers: "1", "job-status": "success", "torch-ref": "main", config: "" }), []);
});

test("no name makes the search for a similar one throw, and each name is nearest to itself", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3 }), (name) => {
      nearestName(name, ["workers", "constructor"]);
    }),
  );
  assert.equal(nearestName("workers", ["wait", "workers"]), "workers");
  for (const name of ["__proto__", "constructor", "toString"])
    assert.match(only(warnings({ [name]: "1" })), /no effect/);
});
