import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inputs } from "../../../src/inputs/inputs.ts";
import { checkPullConfiguration } from "../../../src/pulls/conflicts.ts";
import { CATALOG, configure, only } from "../builders.ts";
import { planOf, problemsOf } from "../plan/planning.ts";

const catalog = { ...CATALOG, registry: "registry:3.0.0" };
const WITH_REGISTRY: Partial<Inputs> = { registry: true };
const WITH_MIRROR: Partial<Inputs> = { registryMirrors: [{ registry: "docker.io", url: "https://m.example" }] };
const mount = (path: string) =>
  `nodes: [{role: control-plane, extraMounts: [{hostPath: /x, containerPath: ${path}}]}]\n`;
const patch = (text: string) => `containerdConfigPatches: [${JSON.stringify(text)}]\n`;

test("the registry's image is pulled with the others, and the port has a default", () => {
  const plan = planOf({ inputs: WITH_REGISTRY, catalog });
  assert.equal(plan.images.at(-1), "registry:3.0.0");
  assert.equal(plan.pulls.registry?.address, "localhost:5001");
  assert.equal(planOf({ catalog }).pulls.registry, undefined);
});

test("a catalog without a registry, and a name that another container has", () => {
  assert.equal(only(problemsOf({ inputs: WITH_REGISTRY })).input, "registry and catalog");
  const held = { name: "bologna-registry", cluster: "", image: "x", status: "Up" };
  const problem = only(problemsOf({ inputs: WITH_REGISTRY, catalog, survey: { names: [held] } }));
  assert.match(problem.reason, /bologna-registry.*image x, Up/);
  assert.ok(planOf({ inputs: WITH_REGISTRY, catalog, survey: { names: [{ ...held, registry: true }] } }));
});

test("a mirror of the registry itself", () => {
  const inputs = { ...WITH_REGISTRY, registryMirrors: [{ registry: "localhost:5001", url: "https://m.example" }] };
  assert.equal(only(problemsOf({ inputs, catalog })).input, "registry and registry-mirrors");
});

test("mounts of the kind configuration at the places of these inputs", () => {
  for (const path of ["/etc/containerd/certs.d", "/etc/containerd/certs.d/docker.io", "/etc/containerd/"]) {
    const problem = only(problemsOf({ inputs: WITH_REGISTRY, catalog, config: mount(path) }));
    assert.equal(problem.input, "registry and kind-config");
    assert.match(problem.reason, /line 3/);
  }
  assert.ok(planOf({ inputs: WITH_MIRROR, config: mount("/etc/containerd/certs.de") }));
  assert.ok(planOf({ config: mount("/etc/containerd/certs.d") }));
});

test("patches of the kind configuration that containerd does not take beside a folder of hosts", () => {
  const key = 'plugins."io.containerd.grpc.v1.cri".registry';
  for (const text of [
    `[${key}.mirrors."localhost:5001"]\n  endpoint = ["http://r:5000"]`,
    `[${key}]\n config_path = "/x"`,
  ]) {
    const problem = only(problemsOf({ inputs: WITH_MIRROR, config: patch(text) }));
    assert.equal(problem.input, "registry-mirrors and kind-config");
  }
  assert.ok(planOf({ inputs: WITH_MIRROR, config: patch(`[${key}]\n config_path = "/etc/containerd/certs.d"`) }));
});

test("a port that the kind configuration asks for too", () => {
  const config = "nodes: [{role: control-plane, extraPortMappings: [{containerPort: 80, hostPort: 5001}]}]\n";
  assert.equal(only(problemsOf({ inputs: WITH_REGISTRY, catalog, config })).input, "registry-port and kind-config");
});

test("credentials where the kind configuration has its own", () => {
  const plan = { registry: undefined, mirrors: [], credentials: { registries: ["a"], text: "t" } };
  const problem = only(checkPullConfiguration(plan, configure(mount("/var/lib/kubelet/config.json"))));
  assert.deepEqual([problem.input, problem.value], ["pull-credentials and kind-config", "***"]);
});
