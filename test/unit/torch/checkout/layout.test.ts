import assert from "node:assert/strict";
import { test } from "node:test";
import { planLayout, selectPlans } from "../../../../src/torch/checkout/layout.ts";
import { createTorchInputs } from "../../builders.ts";

test("the layout is the guide's, except for what an input sets", () => {
  const guide = planLayout("two-clusters", createTorchInputs({ torch: "." }).layout);
  assert.equal(guide.docker, "examples/two-clusters/docker");
  assert.deepEqual(guide.components.engine, {
    composeFile: "examples/two-clusters/docker/docker-compose-flowable-rest-solver.yaml",
    folder: "model/flowable",
    explicit: false,
  });
  const chosen = planLayout(
    "two-clusters",
    createTorchInputs({ torch: ".", "torch-example-folder": "e2e/docker", "torch-engine-folder": "engine/" }).layout,
  );
  assert.deepEqual(chosen.components.engine, {
    composeFile: "e2e/docker/docker-compose-flowable-rest-solver.yaml",
    folder: "engine",
    explicit: true,
  });
  assert.equal(chosen.components.services.explicit, false);
});

test("the plans are recognized by their name", () => {
  const files = ["bpmn_plans_v2_3_8.zip", "BPMN.bar", "x.zip", "bpmn.txt", "docker-compose.yaml"];
  assert.deepEqual(selectPlans(files), ["bpmn_plans_v2_3_8.zip", "BPMN.bar"]);
});
