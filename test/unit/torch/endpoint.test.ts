import assert from "node:assert/strict";
import { test } from "node:test";
import { applyTorchEndpoint, checkEndpoint, chooseEndpoint } from "../../../src/torch/endpoint.ts";
import { configure, createInputs, createSurvey, createTorchInputs, only } from "../builders.ts";

test("an external endpoint puts the API server where containers reach it, under a name that it answers to", () => {
  const external = createInputs({ torch: createTorchInputs({ torch: ".", "torch-endpoint": "external" }) });
  const applied = applyTorchEndpoint(external, undefined, "172.17.0.1");
  assert.equal(applied.apiServerAddress, "172.17.0.1");
  assert.deepEqual(applied.extraSans, ["host.docker.internal"]);
  const own = configure("networking: {apiServerAddress: 0.0.0.0}\n");
  assert.equal(applyTorchEndpoint(external, own, "172.17.0.1").apiServerAddress, undefined);
  const internal = createInputs({ torch: createTorchInputs({ torch: "." }) });
  assert.equal(applyTorchEndpoint(internal, undefined, "172.17.0.1"), internal);
});

test("an API server that only the host reaches contradicts an external endpoint", () => {
  const external = createTorchInputs({ torch: ".", "torch-endpoint": "external" });
  const on = (value: string) => ({ apiServerAddress: value, addressField: { input: "api-server-address", value } });
  const { engine } = createSurvey();
  const problem = only(checkEndpoint(external, on("127.0.0.1"), engine));
  assert.deepEqual([problem.input, problem.value], ["torch-endpoint and api-server-address", "external and 127.0.0.1"]);
  assert.equal(checkEndpoint(external, on("0.0.0.0"), engine).length, 0);
  assert.equal(checkEndpoint(createTorchInputs({ torch: "." }), on("127.0.0.1"), engine).length, 0);
  // Without an engine the gateway is not known: that is the one problem.
  assert.equal(checkEndpoint(external, on("127.0.0.1"), new Error("is not installed")).length, 0);
});

test("the endpoint that TORCH gets is kind's own name, or the Docker host's with the published port", () => {
  const inside = "https://c-control-plane:6443";
  assert.equal(chooseEndpoint("internal", inside, 40123), inside);
  // Also where the step itself, in a job's container, uses kind's name and port 6443.
  assert.equal(chooseEndpoint("external", inside, 40123), "https://host.docker.internal:40123");
});
