import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { readFailCgroupV1 } from "../../../../src/cluster/config/cgroup.ts";
import { configure } from "../../builders.ts";

const read = (body: string) => readFailCgroupV1(configure(body));

const KUBELET = "{kind: KubeletConfiguration, failCgroupV1: false}";

test("without a configuration or a patch the kubelet's own default applies", () => {
  assert.equal(readFailCgroupV1(undefined), undefined);
  assert.equal(read(""), undefined);
  assert.equal(read("kubeadmConfigPatches: ['{kind: KubeletConfiguration, maxPods: 50}']"), undefined);
  assert.equal(read("kubeadmConfigPatches: ['{kind: ClusterConfiguration, failCgroupV1: false}']"), undefined);
});

test("failCgroupV1 is read from the patches that kind applies to the kubelet's configuration", () => {
  const json6902 = (entry: object) => stringify({ kubeadmConfigPatchesJSON6902: [entry] });
  const kubelet = { group: "kubelet.config.k8s.io", version: "v1beta1", kind: "KubeletConfiguration" };
  const remove = "- {op: remove, path: /failCgroupV1}";
  const set = (op: string, value: unknown) => JSON.stringify([{ op, path: "/failCgroupV1", value }]);
  const cases: readonly (readonly [string, boolean | undefined])[] = [
    [`kubeadmConfigPatches: ["${KUBELET}"]`, false],
    ["kubeadmConfigPatches: ['{kind: KubeletConfiguration, failCgroupV1: true}']", true],
    ["kubeadmConfigPatches:\n- |\n  kind: KubeletConfiguration\n  failCgroupV1: false\n", false],
    [
      "kubeadmConfigPatches:\n- |\n  kind: InitConfiguration\n  ---\n  kind: KubeletConfiguration\n  failCgroupV1: false\n",
      false,
    ],
    [
      "kubeadmConfigPatches:\n- |\n  apiVersion: kubelet.config.k8s.io/v1beta1\n  kind: KubeletConfiguration\n  failCgroupV1: false\n",
      false,
    ],
    // YAML 1.1's words, and keys in any case, are what kind's reader makes of them.
    ["kubeadmConfigPatches: ['{Kind: KubeletConfiguration, failCgroupV1: no}']", false],
    // kind matches a patch that names a version with that version alone.
    ["kubeadmConfigPatches: ['{apiVersion: v1, kind: KubeletConfiguration, failCgroupV1: false}']", undefined],
    // A text where kubeadm wants a boolean is refused by kubeadm.
    [`kubeadmConfigPatches: ['{kind: KubeletConfiguration, failCgroupV1: "false"}']`, undefined],
    [json6902({ ...kubelet, patch: set("add", false) }), false],
    [json6902({ ...kubelet, patch: set("replace", true) }), true],
    [json6902({ ...kubelet, patch: set("test", false) }), undefined],
    [json6902({ ...kubelet, patch: "- op: add\n  path: /failCgroupV1\n  value: false\n" }), false],
    [json6902({ ...kubelet, patch: "- op: add\n  path: /failSwapOn\n  value: false\n" }), undefined],
    [json6902({ ...kubelet, group: "kubeadm.k8s.io", patch: set("add", false) }), undefined],
    [json6902({ ...kubelet, kind: "KubeProxyConfiguration", patch: set("add", false) }), undefined],
    [`kubeadmConfigPatches: ["${KUBELET}"]\n${json6902({ ...kubelet, patch: remove })}`, undefined],
  ];
  for (const [body, expected] of cases) assert.equal(read(body), expected, body);
});

test("the first control plane's patches apply, after the cluster's: the other nodes get its configuration from kubeadm", () => {
  const nodes = (...list: readonly (readonly [string, boolean | undefined])[]) =>
    stringify({
      nodes: list.map(([role, value]) => ({
        role,
        ...(value === undefined
          ? {}
          : { kubeadmConfigPatches: [stringify({ kind: "KubeletConfiguration", failCgroupV1: value })] }),
      })),
    });
  assert.equal(read(nodes(["control-plane", false], ["worker", undefined])), false);
  assert.equal(read(nodes(["worker", undefined], ["control-plane", false])), false);
  assert.equal(read(nodes(["control-plane", false], ["worker", false])), false);
  assert.equal(read(nodes(["control-plane", undefined], ["worker", false])), undefined);
  assert.equal(read(nodes(["control-plane", undefined], ["control-plane", false])), undefined);
  assert.equal(read(`kubeadmConfigPatches: ["${KUBELET}"]\n${nodes(["control-plane", true])}`), true);
  assert.equal(
    read(`kubeadmConfigPatches: ["${KUBELET}"]\n${nodes(["worker", true], ["control-plane", undefined])}`),
    false,
  );
});

test("any patches give the value that they have when applied one after the other", () => {
  const value = fc.constantFrom(true, false, null);
  const document = fc.record(
    {
      kind: fc.constantFrom("KubeletConfiguration", "ClusterConfiguration"),
      apiVersion: fc.constantFrom("kubelet.config.k8s.io/v1beta1", "kubeadm.k8s.io/v1beta3", ""),
      failCgroupV1: value,
      maxPods: fc.nat(),
    },
    { requiredKeys: ["kind"] },
  );
  const patches = fc.array(fc.array(document, { minLength: 1, maxLength: 2 }), { maxLength: 3 });
  fc.assert(
    fc.property(patches, patches, (cluster, node) => {
      const texts = (list: typeof cluster) => list.map((each) => each.map((part) => stringify(part)).join("\n---\n"));
      const target: Record<string, unknown> = {};
      for (const patch of [...cluster, ...node].flat()) {
        const { kind, apiVersion = "", failCgroupV1 } = patch;
        if (kind !== "KubeletConfiguration" || !["", "kubelet.config.k8s.io/v1beta1"].includes(apiVersion)) continue;
        if (failCgroupV1 === null) delete target.failCgroupV1;
        else if (failCgroupV1 !== undefined) target.failCgroupV1 = failCgroupV1;
      }
      const body = stringify({
        kubeadmConfigPatches: texts(cluster),
        nodes: [{ role: "worker" }, { role: "control-plane", kubeadmConfigPatches: texts(node) }],
      });
      assert.equal(read(body), target.failCgroupV1);
    }),
  );
});
