import assert from "node:assert/strict";
import { test } from "node:test";
import { splitDocuments } from "../../../../src/cluster/config/patches.ts";
import { renderKindConfiguration } from "../../../../src/cluster/config/render.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { checkPatchLabels, findUnusedPatches } from "../../../../src/cluster/config/unused.ts";
import { ADDITIONS, configure, createInputs, misconfigure, only, VERSIONS } from "../../builders.ts";

function unused(body: string, releases = { kubernetes: "1.28.15", kind: "0.25.0" }): readonly string[] {
  const user = configure(body);
  return findUnusedPatches(user, planShape(createInputs(), user), releases);
}

function labelProblems(body: string) {
  const user = configure(body);
  return checkPatchLabels(user, planShape(createInputs(), user), { kubernetes: "1.28.15", kind: "0.25.0" });
}

/** A node with a patch, in the place of a list. */
function node(role: string, ...patches: readonly string[]): string {
  return `- role: ${role}\n  kubeadmConfigPatches: ${JSON.stringify(patches)}\n`;
}

test("a warning names a patch that kind or kubeadm ignores, with the reason", () => {
  const init = "kind: InitConfiguration";
  const join = "kind: JoinConfiguration";
  const kubelet = "kind: KubeletConfiguration";
  const top = (...patches: readonly string[]) => `kubeadmConfigPatches: ${JSON.stringify(patches)}\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      `nodes:\n- role: control-plane\n${node("worker", init)}`,
      /nodes\.1\.kubeadmConfigPatches\.0 .*this node joins.*kind: JoinConfiguration/,
    ],
    [
      `nodes:\n- role: worker\n${node("control-plane", join)}`,
      /nodes\.1\..*first control plane.*kind: InitConfiguration/,
    ],
    [`nodes:\n- role: control-plane\n${node("control-plane", init)}`, /nodes\.1\..*this node joins/],
    [`nodes:\n- role: control-plane\n${node("worker", kubelet)}`, /get their KubeletConfiguration from the cluster/],
    [`${top(join)}nodes:\n- role: control-plane\n`, /kubeadmConfigPatches\.0 .*no node joins/],
    [
      top(`${init}\napiVersion: kubeadm.k8s.io/v1beta1`),
      /is for kubeadm\.k8s\.io\/v1beta1, but kind 0\.25\.0 writes .*v1beta3 for Kubernetes 1\.28\.15/,
    ],
    [top("kind: KubeletConfig"), /kind does not write KubeletConfig/],
    [top("maxPods: 1"), /it has no kind/],
    [`networking: {kubeProxyMode: none}\n${top("kind: KubeProxyConfiguration")}`, /kubeProxyMode is none/],
    [
      "kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, version: v1beta3, patch: '[]'}\n",
      /JSON6902\.0 .*is for v1beta3/,
    ],
    ["kubeadmConfigPatchesJSON6902:\n- {kind: Cluster, patch: '[]'}\n", /JSON6902\.0 .*kind does not write Cluster/],
    [top("kind: ClusterConfiguration\n---\nkind: Nothing"), /kubeadmConfigPatches\.0 .*kind does not write Nothing/],
  ];
  for (const [body, reason] of cases) {
    const warning = only(unused(body));
    assert.match(warning, reason, body);
    assert.match(warning, /^kind-config: line \d+, column \d+: .* changes nothing: /);
  }
});

test("there is no warning about a patch that is applied", () => {
  const kinds = ["ClusterConfiguration", "InitConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"];
  const patches = kinds.map((kind) => `kind: ${kind}`);
  const bodies = [
    `nodes:\n${node("control-plane", ...patches)}${node("worker", "kind: JoinConfiguration")}`,
    `kubeadmConfigPatches: ${JSON.stringify([...patches, "kind: JoinConfiguration", "", "---\n# nothing\n"])}\n`,
    `nodes:\n${node("control-plane", "kind: InitConfiguration\napiVersion: kubeadm.k8s.io/v1beta3")}`,
    "kubeadmConfigPatchesJSON6902:\n- {group: kubelet.config.k8s.io, version: v1beta1, kind: KubeletConfiguration, patch: '[]'}\n",
  ];
  for (const body of bodies) assert.deepEqual(unused(body), [], body);
});

test("the apiVersion must be the one that this kind writes for this Kubernetes", () => {
  const patch = (version: string) =>
    `kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiVersion: kubeadm.k8s.io/${version}}']\n`;
  const cases: readonly (readonly [string, string, string])[] = [
    ["1.22.17", "0.20.0", "v1beta2"],
    ["1.23.0", "0.20.0", "v1beta3"],
    ["1.35.0", "0.32.0", "v1beta3"],
    ["1.36.0", "0.31.0", "v1beta3"],
    ["1.36.0", "0.32.0", "v1beta4"],
    ["1.36.0-alpha.1", "0.33.0-alpha", "v1beta4"],
    ["1.36.0", "1.0.0", "v1beta4"],
    ["2.0.0", "0.32.0", "v1beta4"],
  ];
  for (const [kubernetes, kind, applied] of cases) {
    for (const version of ["v1beta1", "v1beta2", "v1beta3", "v1beta4"]) {
      assert.equal(
        unused(patch(version), { kubernetes, kind }).length,
        version === applied ? 0 : 1,
        `${kubernetes} ${version}`,
      );
    }
  }
});

test("names for the API server count where their patch is applied", () => {
  const sans = (body: string) => {
    const user = configure(body);
    return renderKindConfiguration(planShape(createInputs(), user), VERSIONS, user, ADDITIONS);
  };
  const patch = "{kind: ClusterConfiguration, apiServer: {certSANs: [mine.example]}}";
  const ours = /certSANs\\":\[\\"localhost\\",\\"127.0.0.1\\",\\"mine.example/;
  assert.match(sans(`kubeadmConfigPatches: ['${patch}']\n`), ours);
  assert.doesNotMatch(
    sans(`kubeadmConfigPatches: ['${patch.replace("{", "{apiVersion: kubeadm.k8s.io/v1beta1, ")}']\n`),
    ours,
  );
  assert.doesNotMatch(
    sans(`nodes:\n- role: control-plane\n- role: worker\n  kubeadmConfigPatches: ['${patch}']\n`),
    ours,
  );
});

test("an error in a block text is reported with the line of the file", () => {
  const text = "kubeadmConfigPatches:\n- kind: x\n".replace("kind: x", "'kind: KubeletConfiguration'");
  const body = `${text}- |\n  kind: ClusterConfiguration\n  ---\n  kind: InitConfiguration\n  a: [\n  b: c\n`;
  const problem = only(misconfigure(body));
  // The line of `b: c`, counted with kind's two lines before it.
  assert.match(
    problem.reason,
    /^line 5, column 3: kubeadmConfigPatches\.1 cannot be read: is not YAML: line 10, column 3:/,
  );
  const windows = only(misconfigure(body.replaceAll("\n", "\r\n")));
  assert.match(windows.reason, /is not YAML: line 10, column 3:/);
});

test("a patch that kind would refuse only once the nodes exist is refused up front", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["kubeadmConfigPatches: [b o g u s]\n", /kubeadmConfigPatches\.0 is not a mapping: b o g u s/],
    ["kubeadmConfigPatches: ['[]']\n", /kubeadmConfigPatches\.0 is not a mapping/],
    [
      "kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, patch: x}\n",
      /JSON6902\.0\.patch is not a list of operations: x/,
    ],
    [
      "kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, patch: '[{op: set, path: /a}]'}\n",
      /is not a list of operations/,
    ],
    [
      "kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, patch: '['}\n",
      /patch cannot be read: is not YAML/,
    ],
  ];
  for (const [body, reason] of cases) assert.match(only(misconfigure(body)).reason, reason, body);
});

test("labels in a patch follow the same rules as labels of a node", () => {
  const forms = ["{node-labels: 'a=b,kubernetes.io/foo=c'}", "[{name: node-labels, value: 'kubernetes.io/foo='}]"];
  for (const form of forms) {
    const patch = `{kind: InitConfiguration, nodeRegistration: {kubeletExtraArgs: ${form}}}`;
    const problem = only(labelProblems(`kubeadmConfigPatches: [${JSON.stringify(patch)}]\n`));
    assert.match(
      problem.reason,
      /sets the node label "kubernetes\.io\/foo", which is a label that Kubernetes reserves/,
    );
  }
  const taken = "{kind: InitConfiguration, nodeRegistration: {kubeletExtraArgs: {node-labels: 'ingress-ready=true'}}}";
  assert.deepEqual(labelProblems(`kubeadmConfigPatches: [${JSON.stringify(taken)}]\n`), []);
});

test("a patch is split where kind splits it", () => {
  assert.deepEqual(splitDocuments("a: 1\n----\nb: 2\n--- # c\nc: 3\n---\n"), ["a: 1", "b: 2", "c: 3", ""]);
  assert.deepEqual(splitDocuments("---\na: 1"), ["---\na: 1"]);
});

test("an RFC 6902 patch of containerd's is JSON: a list of operations", () => {
  const withPatch = (text: string) => `containerdConfigPatchesJSON6902:\n- ${JSON.stringify(text)}\n`;
  for (const text of ['[{"op": "add", "path": "/a", "value": 1}]', "[]", "null"]) {
    assert.ok(configure(withPatch(text)).document, text);
  }
  for (const text of ["- op: add\n  path: /a\n", "[", "text", "{}", '[{"op": "jump", "path": "/a"}]', "[1]", ""]) {
    const [problem] = misconfigure(withPatch(text));
    assert.match(problem?.reason ?? "accepted", /^line 4, column 3: containerdConfigPatchesJSON6902\.0 is not /, text);
  }
});

test("a directive that YAML does not have is refused, as kind refuses it", () => {
  for (const body of [
    "kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, patch: '%a'}\n",
    'kubeadmConfigPatches:\n- "%a b\\n---\\nkind: A\\n"\n',
  ]) {
    const [problem] = misconfigure(body);
    assert.match(problem?.reason ?? "accepted", /cannot be read: is not YAML: .*directive %a/, body);
  }
});

test("a patch that kind cannot use is refused, with the reason", () => {
  const long = `kind: ClusterConfiguration\n# ${"x".repeat(66_000)}\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    ["kind: [ClusterConfiguration]", /has a kind or apiVersion that is a list or a mapping/],
    ["KIND: ClusterConfiguration\napiVersion: {a: b}", /has a kind or apiVersion that is a list/],
    [long, /is larger than 65 kB/],
    ["kind: ClusterConfiguration\nclusterName: a\n--- # end", /ends with --- and more on its last line/],
  ];
  for (const [patch, reason] of cases) {
    const body = `kubeadmConfigPatches: ${JSON.stringify([patch])}\n`;
    assert.match(only(misconfigure(body)).reason, reason, patch.slice(0, 100));
  }
  const taken = [
    "kind: ClusterConfiguration\n---",
    "kind: 5",
    `${long.slice(0, 40_000)}\n---\n${long.slice(0, 40_000)}`,
  ];
  for (const patch of taken) configure(`kubeadmConfigPatches: ${JSON.stringify([patch])}\n`);
});

test("operations have what RFC 6902 asks of them", () => {
  const body = (patch: string) =>
    `kubeadmConfigPatchesJSON6902:\n- {kind: ClusterConfiguration, patch: ${JSON.stringify(patch)}}\n`;
  for (const patch of ["[{op: move, path: /a}]", "[{op: copy, path: /a, from: 5}]", "[{op: remove, path: a}]"]) {
    assert.match(only(misconfigure(body(patch))).reason, /is not a list of operations/, patch);
  }
  for (const patch of ["[{op: move, path: /a, from: /b}]", "[{op: test, path: '', value: 1}]", "[]"])
    configure(body(patch));
});

test("a patch's kind and apiVersion may be written in any case, as kind reads them", () => {
  const patch = "Kind: ClusterConfiguration\nAPIVERSION: kubeadm.k8s.io/v1beta3\nclusterName: foo";
  assert.deepEqual(unused(`kubeadmConfigPatches: ${JSON.stringify([patch])}\n`), []);
});

test("what is missing at the end of a patch is said of its last line", () => {
  const body = "kubeadmConfigPatches:\n- |\n  kind: A\n  a: [b\n- |\n  kind: B\n";
  const [problem] = misconfigure(body);
  assert.match(problem?.reason ?? "", /line 6, column 8: Flow sequence/);
});
