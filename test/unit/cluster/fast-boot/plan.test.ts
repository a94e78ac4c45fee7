import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { UserConfiguration } from "../../../../src/cluster/config/read.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { nodeIpamPod } from "../../../../src/cluster/fast-boot/node-ipam.ts";
import { type BootMode, planBoot } from "../../../../src/cluster/fast-boot/plan.ts";
import { splitSubnet } from "../../../../src/cluster/fast-boot/pod-subnets.ts";
import { nameNodes } from "../../../../src/values/nodes.ts";
import { configure, createInputs } from "../../builders.ts";

function plan(kubernetes: string, user?: UserConfiguration, controlPlanes?: number): BootMode {
  const shape = planShape(createInputs({ clusterName: "c", controlPlanes }), user);
  return planBoot(shape, user, kubernetes);
}

const isAccelerated = (mode: BootMode) => "acceleration" in mode;
const accelerationOf = (mode: BootMode) =>
  "acceleration" in mode ? mode.acceleration : assert.fail(`not accelerated: ${mode.plainBecause}`);

const workers = (count: number) => nameNodes("c", Array<"worker">(count).fill("worker"));
const split = (subnet: string, count: number) => {
  const subnets = splitSubnet(subnet, workers(count));
  return subnets === undefined ? undefined : [...subnets.values()];
};

test("a subnet is cut into /24s in the order of the nodes, from its network address", () => {
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

test("a subnet with no room for the nodes, or that is none, is not cut", () => {
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

test("the pieces of any subnet lie in it and do not overlap", () => {
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

test("the default boot is accelerated on every version from 1.23 on, with pod subnets of ours", () => {
  for (const version of ["1.23.0", "1.28.15", "1.31.0", "1.36.1", "1.37.2"]) {
    assert.deepEqual(Object.fromEntries(accelerationOf(plan(version)).podSubnets), {
      "c-control-plane": "10.244.0.0/24",
      "c-worker": "10.244.1.0/24",
    });
  }
});

test("a boot that the user shaped in a way that ours could change is left alone", () => {
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
  for (const body of bodies) assert.ok(!isAccelerated(plan("1.28.15", configure(body))), body);
});

test("several control planes and versions before the known ones boot kind's plain way, and say why", () => {
  const reason = (mode: BootMode) => ("plainBecause" in mode ? mode.plainBecause : "");
  assert.match(reason(plan("1.28.15", undefined, 2)), /several control planes/);
  assert.match(reason(plan("1.22.17")), /older than 1\.23/);
  assert.match(reason(plan("1.31.0", configure("networking: {ipFamily: dual}\n"))), /ipFamily is dual/);
  const scheduler = "kubeadmConfigPatches:\n- |\n  kind: ClusterConfiguration\n  scheduler: {}\n";
  assert.match(reason(plan("1.31.0", configure(scheduler))), /a kubeadm patch to scheduler/);
});

test("the user's own subnets are the ones that are cut and served", () => {
  const user = configure("networking: {podSubnet: 10.9.0.0/16, serviceSubnet: 10.8.0.0/16}\n");
  const made = accelerationOf(plan("1.28.15", user));
  assert.equal(made.podSubnets.get("c-worker"), "10.9.1.0/24");
  const pod = JSON.stringify(nodeIpamPod(made, "image"));
  assert.ok(pod.includes("--cluster-cidr=10.9.0.0/16") && pod.includes("--service-cluster-ip-range=10.8.0.0/16"));
});

test("a patch to the kubelet, or to the API server alone, does not keep a boot from being accelerated", () => {
  for (const patch of ["kind: KubeletConfiguration\n  maxPods: 20", "kind: ClusterConfiguration\n  apiServer: {}"]) {
    assert.ok(isAccelerated(plan("1.28.15", configure(`kubeadmConfigPatches:\n- |\n  ${patch}\n`))), patch);
  }
});

test("pods are connected early beside the default pod network and kube-proxy's rules for iptables alone", () => {
  const connects = (body: string) => accelerationOf(plan("1.31.0", configure(body))).connectsPods;
  assert.ok(accelerationOf(plan("1.31.0")).connectsPods);
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
