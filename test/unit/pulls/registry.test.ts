import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError } from "../../../src/exec.ts";
import { planHosting } from "../../../src/pulls/hosting.ts";
import { planEnvironment, planRegistry, pullRows } from "../../../src/pulls/plan.ts";
import { describeStartError, registryArgs } from "../../../src/pulls/registry.ts";

const REGISTRY = planRegistry("bologna", { runId: "0a1b", image: "registry:3.0.0", port: 5005 });

test("the registry is published on this machine alone, in kind's network, with the run's label", () => {
  const args = registryArgs(REGISTRY);
  for (const arg of [
    "--name=bologna-registry",
    "--publish=127.0.0.1:5005:5000",
    "--network=kind",
    "--label=kind-torch.registry=bologna-0a1b",
    "--pull=never",
  ]) {
    assert.ok(args.includes(arg), arg);
  }
  assert.equal(args.at(-1), "registry:3.0.0");
});

test("tools find the registry as KEP-1755 says; pods by its name, if they resolve the names of Docker's networks", () => {
  const text = JSON.stringify(planHosting(REGISTRY, true));
  assert.match(text, /"namespace":"kube-public"/);
  assert.match(text, /host: \\"localhost:5005\\"\\nhostFromClusterNetwork: \\"bologna-registry:5000\\"/);
  assert.ok(!JSON.stringify(planHosting(REGISTRY, false)).includes("hostFromClusterNetwork"));
});

test("what was taken while the run prepared is named", () => {
  const failed = (stderr: string) =>
    describeStartError(REGISTRY, new CommandError("it failed", { exitCode: 125, stdout: "", stderr }));
  const port = failed("Bind for 127.0.0.1:5005 failed: port is already allocated.");
  assert.match(`${port.message} ${port.fix}`, /port 5005 .* taken.*registry-port/);
  const name = failed('Conflict. The container name "/bologna-registry" is already in use by container "1".');
  assert.match(`${name.message} ${name.fix}`, /bologna-registry.*cluster-name/);
  assert.equal(failed("no space").message, "it failed");
});

test("behind a proxy the nodes reach the registry directly", () => {
  const plan = { registry: REGISTRY, mirrors: [], credentials: undefined };
  const proxy = { HTTP_PROXY: "http://proxy:3128" };
  assert.deepEqual(planEnvironment(plan, {}), {});
  assert.deepEqual(planEnvironment({ ...plan, registry: undefined }, proxy), {});
  assert.equal(planEnvironment(plan, proxy).NO_PROXY, "bologna-registry");
  assert.equal(planEnvironment(plan, { ...proxy, no_proxy: "a,b" }).no_proxy, "a,b,bologna-registry");
});

test("the report has a row for each", () => {
  const credentials = { registries: ["a.example"], text: "secret" };
  const rows = pullRows({ registry: REGISTRY, mirrors: [{ registry: "docker.io", url: "https://m" }], credentials });
  assert.deepEqual(
    rows.map(([name]) => name),
    ["Registry", "Mirror", "Pull credentials"],
  );
  assert.ok(!JSON.stringify(rows).includes("secret"));
});
