import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { UserConfiguration } from "../../../../src/cluster/config/read.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { nodeIpamPod } from "../../../../src/cluster/fast-boot/node-ipam.ts";
import { type FastBootPlan, planFastBoot } from "../../../../src/cluster/fast-boot/plan.ts";
import { splitSubnet } from "../../../../src/cluster/fast-boot/pod-subnets.ts";
import { nameNodes } from "../../../../src/values/nodes.ts";
import { configure, createInputs } from "../../builders.ts";

function plan(kubernetes: string, user?: UserConfiguration, controlPlanes?: number): FastBootPlan {
  const shape = planShape(createInputs({ clusterName: "c", controlPlanes }), user);
  return planFastBoot(shape, user, kubernetes);
}

const isFast = (planned: FastBootPlan) => "fastBoot" in planned;
const fastBootOf = (planned: FastBootPlan) =>
  "fastBoot" in planned ? planned.fastBoot : assert.fail(`not fast: ${planned.notUsedBecause}`);

const workers = (count: number) => nameNodes("c", Array<"worker">(count).fill("worker"));
const split = (subnet: string, count: number) => {
  const subnets = splitSubnet(subnet, workers(count));
  return subnets === undefined ? undefined : [...subnets.values()];
};

test("a subnet is split into /24s in the order of the nodes, from its network address", () => {
  const cases: readonly (readonly [string, number, readonly string[]])[] = [
    ["10.244.0.0/16", 3, ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]],
    ["10.244.7.9/16", 1, ["10.244.0.0/24"]],
    ["192.168.5.0/24", 1, ["192.168.5.0/24"]],
    ["10.0.255.0/23", 2, ["10.0.254.0/24", "10.0.255.0/24"]],
    ["200.255.255.0/8", 1, ["200.0.0.0/24"]],
    ["255.255.254.0/23", 2, ["255.255.254.0/24", "255.255.255.0/24"]],
    ["10.244.0.0/16", 0, []],
  ];
  for (const [subnet, count, expected] of cases) assert.deepEqual(split(subnet, count), expected, subnet);
});

test("a text that is not a subnet, or a subnet without room for the nodes, is not split", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["10.244.0.0/24", 2],
    ["10.244.0.0/25", 1],
    ["10.244.0.0/32", 1],
    ["10.244.0.0", 1],
    ["10.244.0.0/", 1],
    ["10.244.0.0/-1", 1],
    ["10.244.0.0/1e1", 1],
    ["10.244.0.0/16/8", 1],
    ["10.244.0.0/16 ", 1],
    [" 10.244.0.0/16", 1],
    ["10.244.0/16", 1],
    ["10.244.0.256/16", 1],
    ["fd00::/56", 1],
    ["10.244.0.0/16,fd00::/56", 1],
    ["", 1],
    ["/", 1],
    [`10.244.0.0/${"9".repeat(400)}`, 1],
  ];
  for (const [subnet, count] of cases) assert.equal(split(subnet, count), undefined, subnet);
});

test("the parts of any subnet lie in it and do not overlap", () => {
  const number = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 40 }), (base, prefix, count) => {
      const pieces = split(`${base}/${prefix}`, count);
      const size = 2 ** (32 - prefix);
      if (pieces === undefined) {
        assert.ok(count * 256 > size);
        return;
      }
      const network = Math.floor(number(base) / size) * size;
      assert.equal(new Set(pieces).size, count);
      for (const piece of pieces) {
        assert.match(piece, /^\d{1,3}\.\d{1,3}\.\d{1,3}\.0\/24$/);
        const start = number(piece.replace("/24", ""));
        assert.ok(start >= network && start + 256 <= network + size, `${piece} of ${base}/${prefix}`);
      }
    }),
    { numRuns: 500 },
  );
});

test("the default boot is fast on every version from 1.23 on, with pod subnets of ours", () => {
  for (const version of ["1.23.0", "1.28.15", "1.31.0", "1.36.1", "1.37.2"]) {
    assert.deepEqual(Object.fromEntries(fastBootOf(plan(version)).podSubnets), {
      "c-control-plane": "10.244.0.0/24",
      "c-worker": "10.244.1.0/24",
    });
  }
});

test("a boot is not fast if that could change what the user configured", () => {
  const patch = (text: string) => `kubeadmConfigPatches:\n- |\n  ${text.replaceAll("\n", "\n  ")}\n`;
  const bodies = [
    patch("kind: ClusterConfiguration\nscheduler: {}"),
    patch("kind: ClusterConfiguration\ncontrollerManager:\n  extraArgs: {node-cidr-mask-size: '25'}"),
    `nodes:\n- role: control-plane\n  ${patch("kind: ClusterConfiguration\netcd: {}").replaceAll("\n", "\n  ")}`,
    "kubeadmConfigPatchesJSON6902:\n- {group: kubeadm.k8s.io, version: v1beta3, kind: ClusterConfiguration, patch: '[]'}\n",
    patch("kind: ClusterConfiguration\nnetworking: {podSubnet: 10.9.0.0/16}"),
    patch("kind: ClusterConfiguration\nimageRepository: example.org/k8s"),
    patch("kind: InitConfiguration\nskipPhases: [addon/kube-proxy]"),
    "networking: {ipFamily: ipv6}\n",
    "networking: {ipFamily: dual}\n",
    "networking: {podSubnet: 10.244.0.0/26}\n",
  ];
  for (const body of bodies) assert.ok(!isFast(plan("1.28.15", configure(body))), body);
});

test("several control planes and older versions boot in kind's own way, with the reason", () => {
  const reason = (planned: FastBootPlan) => ("notUsedBecause" in planned ? planned.notUsedBecause : "");
  assert.match(reason(plan("1.28.15", undefined, 2)), /several control planes/);
  assert.match(reason(plan("1.22.17")), /older than 1\.23/);
  assert.match(reason(plan("1.31.0", configure("networking: {ipFamily: dual}\n"))), /ipFamily is dual/);
  const scheduler = "kubeadmConfigPatches:\n- |\n  kind: ClusterConfiguration\n  scheduler: {}\n";
  assert.match(reason(plan("1.31.0", configure(scheduler))), /a kubeadm patch to scheduler/);
});

test("the user's own subnets are split and served", () => {
  const user = configure("networking: {podSubnet: 10.9.0.0/16, serviceSubnet: 10.8.0.0/16}\n");
  const fastBoot = fastBootOf(plan("1.28.15", user));
  assert.equal(fastBoot.podSubnets.get("c-worker"), "10.9.1.0/24");
  const pod = JSON.stringify(nodeIpamPod(fastBoot, "image"));
  assert.ok(pod.includes("--cluster-cidr=10.9.0.0/16") && pod.includes("--service-cluster-ip-range=10.8.0.0/16"));
});

test("a boot is fast despite a patch to the kubelet, or only to the API server", () => {
  for (const patch of ["kind: KubeletConfiguration\n  maxPods: 20", "kind: ClusterConfiguration\n  apiServer: {}"]) {
    assert.ok(isFast(plan("1.28.15", configure(`kubeadmConfigPatches:\n- |\n  ${patch}\n`))), patch);
  }
});

test("pods are connected early only with the default pod network and kube-proxy's iptables mode", () => {
  const connects = (body: string) => fastBootOf(plan("1.31.0", configure(body))).connectsPods;
  assert.ok(fastBootOf(plan("1.31.0")).connectsPods);
  assert.ok(connects("networking: {kubeProxyMode: iptables}\n"));
  const proxy = "kubeadmConfigPatches:\n- |\n  kind: KubeProxyConfiguration\n  mode: nftables\n";
  for (const body of [
    "networking: {disableDefaultCNI: true}\n",
    "networking: {kubeProxyMode: ipvs}\n",
    "networking: {kubeProxyMode: nftables}\n",
    "networking: {kubeProxyMode: none}\n",
    proxy,
  ]) {
    assert.ok(!connects(body), body);
  }
});
