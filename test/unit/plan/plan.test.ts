import assert from "node:assert/strict";
import { test } from "node:test";
import { describeReadiness } from "../../../src/plan/plan.ts";
import { voucherFor } from "../../../src/tools/sources.ts";
import { builtInCatalog } from "../../../src/versions/catalog.ts";
import { digest, FOLDERS, only } from "../builders.ts";
import { container, decide, type Facts, FULL, planOf, problemsOf } from "./planning.ts";

test("without inputs, on a machine without problems, the plan is the guide's cluster", () => {
  const plan = planOf({});
  assert.deepEqual(
    plan.shape.nodes.map((node) => node.name),
    ["bologna-control-plane", "bologna-worker"],
  );
  assert.equal(plan.versions.kubernetes, "1.28.15");
  assert.deepEqual(plan.images, [`kindest/node:v1.28.15@${digest("b3")}`]);
  assert.deepEqual(
    plan.limits.map((limit) => limit.to),
    [524288, 512],
  );
  assert.equal(plan.readiness, "full");
  assert.ok(plan.runDirectory.startsWith(`${FOLDERS.temp}/`));
  assert.ok(plan.credentials.privateKey.startsWith(`${plan.runDirectory}/`));
  assert.ok(plan.credentials.privateKey.endsWith("/torch.key"));
});

test("Kubernetes 1.35 on cgroup v1 is refused before anything is done", () => {
  const engine = {
    version: "29",
    cgroupVersion: 1 as const,
    dataRoot: "/d",
    imageStore: undefined,
    clientVersion: "29",
  };
  const inputs = { kubernetesVersion: { kind: "minor", minor: "1.35" } } as const;
  const problem = only(problemsOf({ survey: { engine }, inputs, catalog: builtInCatalog() }));
  assert.equal(problem.input, "kubernetes-version");
  assert.match(problem.reason, /1\.35\.\d+.*cgroup v1/);
  planOf({ inputs, catalog: builtInCatalog() });
  const config = 'kubeadmConfigPatches: ["{kind: KubeletConfiguration, failCgroupV1: false}"]';
  const { versions } = planOf({ survey: { engine }, inputs, config, catalog: builtInCatalog() });
  assert.match(versions.kubernetes, /^1\.35\./);
});

test("kubectl 1.34 with Kubernetes 1.28 is refused with both versions and the range; versions in the range are planned", () => {
  const asked = (minor: string) => ({
    inputs: { kubectlVersion: { kind: "minor", minor } } as const,
    catalog: builtInCatalog(),
  });
  const problem = only(problemsOf(asked("1.34")));
  assert.match(problem.reason, /1\.34.*1\.28\.15/);
  assert.match(problem.allowed, /1\.27 to 1\.29/);
  for (const minor of ["1.27", "1.28", "1.29"]) assert.ok(planOf(asked(minor)).kubectl.version.startsWith(`${minor}.`));
});

test("problems of the shape, the versions and the machine are reported together", () => {
  const problems = problemsOf({
    inputs: { workers: 3, kubernetesVersion: { kind: "exact", version: "1.28.99" } },
    config: "nodes:\n- role: control-plane\n",
    survey: { disks: FULL },
  });
  assert.deepEqual(problems.map((problem) => problem.input).toSorted(), [
    "kubernetes-version",
    "runs-on",
    "workers and kind-config",
  ]);
});

test("a tool comes from its mirror, with the catalog's checksum for this processor where there is one", () => {
  const inputs = { kubernetesVersion: { kind: "minor", minor: "1.34" }, kindMirror: "http://127.0.0.1:1" } as const;
  const amd = planOf({ inputs });
  assert.ok(amd.kind.source.url.startsWith("http://127.0.0.1:1/v0.30.0/"));
  assert.equal(amd.kind.checksum, "c".repeat(64));
  assert.equal(voucherFor("kubectl", amd.kubectl.source.url), "origin");
  const arm = planOf({ inputs, survey: { architecture: "arm64", nodeArchitecture: "arm64" } });
  assert.equal(arm.kind.checksum, undefined);
  assert.match(arm.kind.source.url, /arm64$/);
});

test("nodes that cannot or need not become ready are not waited for", () => {
  assert.equal(planOf({ inputs: { waitSeconds: 0 } }).readiness, "api-server");
  const config = "networking: {disableDefaultCNI: true}\n";
  const without = planOf({ config });
  assert.equal(without.readiness, "api-server");
  assert.match(describeReadiness(without), /disableDefaultCNI without cni-manifests/);
  const cniManifests = ["/ws/one.yaml", "/ws/two.yaml"];
  const plan = planOf({ config, inputs: { cniManifests } });
  assert.deepEqual([plan.readiness, plan.cniManifests], ["full", cniManifests]);
  assert.match(describeReadiness(plan), /every node/);
  const early = planOf({ config, inputs: { cniManifests, waitSeconds: 0 } });
  assert.equal(early.readiness, "api-server");
  assert.match(describeReadiness(early), /wait: 0s/);
});

test("a value is reported by the field that the user wrote", () => {
  const config = `name: ${"a".repeat(60)}\n`;
  assert.deepEqual(only(problemsOf({ config })).input, "kind-config");
  assert.deepEqual(planOf({ config: "networking: {apiServerAddress: 192.0.2.7}\n" }).shape.addressField, {
    input: "kind-config",
    value: "networking.apiServerAddress: 192.0.2.7 (line 3, column 32 of inline)",
  });
  assert.equal(planOf({ inputs: { apiServerAddress: "192.0.2.7" } }).shape.addressField.input, "api-server-address");
});

test("labels in a patch are refused where kubeadm reads the patch, and only in the apiVersion of these versions", () => {
  const patch = (kind: string, more = "") =>
    `{kind: ${kind}${more}, nodeRegistration: {kubeletExtraArgs: {node-labels: 'kubernetes.io/foo=c'}}}`;
  const on = (role: string, text: string) => `- role: ${role}\n  kubeadmConfigPatches: [${JSON.stringify(text)}]\n`;
  const top = (text: string) => `kubeadmConfigPatches: [${JSON.stringify(text)}]\n`;
  const v1beta = (version: number) => `, apiVersion: kubeadm.k8s.io/v1beta${version}`;
  const refused = [
    top(patch("InitConfiguration")),
    top(patch("InitConfiguration", v1beta(3))),
    top(patch("JoinConfiguration")),
    `nodes:\n${on("control-plane", patch("InitConfiguration"))}`,
    `nodes:\n- role: control-plane\n${on("worker", patch("JoinConfiguration"))}`,
  ];
  for (const config of refused) {
    const problem = only(problemsOf({ config }));
    assert.match(problem.reason, /^line \d+, column \d+: \S*kubeadmConfigPatches\.0 sets the node label "kubern/);
  }
  const unread = [
    top(patch("InitConfiguration", v1beta(4))),
    top(patch("ClusterConfiguration")),
    `nodes:\n- role: control-plane\n${on("worker", patch("InitConfiguration"))}`,
    `nodes:\n${on("control-plane", patch("JoinConfiguration"))}- role: worker\n`,
    `${top(patch("JoinConfiguration"))}nodes:\n- role: control-plane\n`,
  ];
  for (const config of unread) planOf({ config });
  // Without the versions, a patch that names its apiVersion cannot be judged.
  const config = top(patch("InitConfiguration", v1beta(3)));
  const unknown = decide({ config, rejected: ["kubernetes-version"] });
  assert.deepEqual("problems" in unknown ? unknown.problems : undefined, []);
  only(problemsOf({ config: refused[0] ?? "", rejected: ["kubernetes-version"] }));
});

test("no problem follows from the default in the place of a rejected value", () => {
  const none = (facts: Facts) => {
    const decided = decide(facts);
    assert.deepEqual("problems" in decided ? decided.problems : [], [], JSON.stringify(facts));
  };
  const there = { containers: [container("bologna")] };
  none({ rejected: ["cluster-name"], survey: there });
  none({ rejected: ["kind-config"], survey: there });
  none({ rejected: ["existing"], survey: there });
  only(problemsOf({ rejected: ["kind-config"], survey: there, inputs: { clusterName: "bologna" } }));
  const kubectlVersion = { kind: "minor", minor: "1.34" } as const;
  none({ rejected: ["kubernetes-version"], inputs: { kubectlVersion } });
  none({ rejected: ["node-image"], inputs: { kubectlVersion } });
  none({ rejected: ["kind-version"], inputs: { kubectlVersion, kubernetesVersion: { kind: "latest" } } });
  none({ rejected: ["kubernetes-version"], inputs: { kindVersion: { kind: "exact", version: "0.30.0" } } });
  none({ rejected: ["catalog"], inputs: { kubernetesVersion: { kind: "exact", version: "1.99.0" } } });
  // What does not rest on it is said all the same.
  const unknown = { kindVersion: { kind: "exact", version: "9.9.9" } } as const;
  assert.equal(only(problemsOf({ rejected: ["kubernetes-version"], inputs: unknown })).input, "kind-version");
  const missing = { kubernetesVersion: { kind: "exact", version: "1.99.0" } } as const;
  assert.equal(only(problemsOf({ rejected: ["kind-version"], inputs: missing })).input, "kubernetes-version");
});
