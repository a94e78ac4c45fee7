import assert from "node:assert/strict";
import { test } from "node:test";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { configure, createInputs, only } from "../../builders.ts";

test("an input that agrees with the configuration is not a contradiction", () => {
  const user = configure(
    "name: mine\nnetworking: {apiServerAddress: 0.0.0.0}\nnodes:\n- image: a:1\n- role: worker\n  image: a:1\n",
  );
  const same = { clusterName: "mine", controlPlanes: 1, workers: 1, apiServerAddress: "0.0.0.0", nodeImage: "a:1" };
  assert.deepEqual(planShape(createInputs(same), user).problems, []);
});

test("each contradiction names the input, kind-config, and both values", () => {
  const user = configure(
    "name: mine\nnetworking: {apiServerAddress: 0.0.0.0, dnsSearch: [a.example]}\nnodes:\n- image: a:1\n- role: worker\n",
  );
  const cases: readonly (readonly [Parameters<typeof createInputs>[0], string, string, RegExp])[] = [
    [{ clusterName: "other" }, "cluster-name", "other", /mine/],
    [{ controlPlanes: 3 }, "control-planes", "3", /1 node/],
    [{ workers: 0 }, "workers", "0", /1 node/],
    [{ nodeImage: "b:1" }, "node-image", "b:1", /a:1/],
    [{ apiServerAddress: "127.0.0.1" }, "api-server-address", "127.0.0.1", /0\.0\.0\.0/],
    [{ dns: { kind: "docker-host" } }, "dns", "docker-host", /a\.example/],
  ];
  for (const [overrides, input, value, theirs] of cases) {
    const problem = only(planShape(createInputs(overrides), user).problems);
    assert.equal(problem.input, `${input} and kind-config`);
    assert.equal(problem.value, value);
    assert.match(problem.reason, theirs);
    assert.match(problem.reason, /contradicts kind-config \(inline, line \d+, column \d+\)/);
    assert.match(problem.fix, new RegExp(input));
  }
  const all = Object.assign({}, ...cases.map(([overrides]) => overrides));
  assert.equal(planShape(createInputs(all), user).problems.length, cases.length);
});

test("an empty field of the configuration contradicts nothing", () => {
  const user = configure("networking:\n  apiServerAddress:\n  dnsSearch:\n");
  const shape = planShape(createInputs({ apiServerAddress: "0.0.0.0", dns: { kind: "inherit" } }), user);
  assert.deepEqual([shape.problems, shape.apiServerAddress], [[], "0.0.0.0"]);
});

test("an input that a patch would silently override contradicts that patch", () => {
  const kubelet = configure(
    "nodes:\n- kubeadmConfigPatches:\n  - |\n    kind: KubeletConfiguration\n    resolvConf: /mine\n",
  );
  const dns = planShape(createInputs({ dns: { kind: "docker-host" } }), kubelet).problems;
  assert.match(only(dns).input, /dns and kind-config/);
  const json = configure(
    'kubeadmConfigPatchesJSON6902:\n- group: kubeadm.k8s.io\n  version: v1beta3\n  kind: ClusterConfiguration\n  patch: \'[{"op": "replace", "path": "/apiServer/certSANs", "value": []}]\'\n',
  );
  const sans = planShape(createInputs({ extraSans: ["a.test"] }), json).problems;
  assert.match(only(sans).input, /extra-sans and kind-config/);
});
