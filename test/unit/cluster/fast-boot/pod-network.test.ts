import assert from "node:assert/strict";
import { test } from "node:test";
import {
  connectArgs,
  isKindnetd,
  parseAddress,
  renderKindnetConfiguration,
} from "../../../../src/cluster/fast-boot/pod-network.ts";

const nodes = [
  { name: "c-control-plane", address: "172.18.0.2" },
  { name: "c-worker", address: "172.18.0.3" },
  { name: "c-worker2", address: "172.18.0.4" },
] as const;
const subnets = new Map(nodes.map(({ name }, index) => [name, `10.244.${index}.0/24`]));

test("the configuration is kindnetd's: JSON for one subnet, whose MTU the node fills in", () => {
  const text = renderKindnetConfiguration("10.244.3.0/24");
  assert.equal(text.match(/%/g)?.length, 1);
  const value: unknown = JSON.parse(text.replace("%s", "1450"));
  assert.deepEqual(value, {
    cniVersion: "0.3.1",
    name: "kindnet",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        ipam: {
          type: "host-local",
          dataDir: "/run/cni-ipam-state",
          routes: [{ dst: "0.0.0.0/0" }],
          ranges: [[{ subnet: "10.244.3.0/24" }]],
        },
        mtu: 1450,
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
});

test("a node gets its own configuration, and a route to the pods of each of the others", () => {
  const args = connectArgs("c-control-plane", nodes, subnets);
  assert.deepEqual(args.slice(0, 2), ["exec", "c-control-plane"]);
  assert.equal(args[6], renderKindnetConfiguration("10.244.0.0/24"));
  assert.deepEqual(args.slice(7), ["10.244.1.0/24 via 172.18.0.3", "10.244.2.0/24 via 172.18.0.4"]);
});

test("a node's address is the first of IPv4, and one without any counts as not known", () => {
  assert.deepEqual(parseAddress("/c-worker 172.18.0.3"), [nodes[1]]);
  assert.deepEqual(parseAddress("/c-worker  172.18.0.3"), [nodes[1]]);
  for (const line of ["/c-worker ", "/c-worker invalid", "/c-worker fc00::3", ""]) {
    assert.deepEqual(parseAddress(line), [], line);
  }
});

test("the pod network is kindnetd's by the image of a pod of it", () => {
  for (const image of ["docker.io/kindest/kindnetd:v20241108-5c6d2daf", "kindnetd@sha256:00", " kindest/kindnetd:1 "]) {
    assert.ok(isKindnetd(image), image);
  }
  for (const image of ["docker.io/calico/node:v3", "mine/not-kindnetd:1", "kindnetd", "", "<none>"]) {
    assert.ok(!isKindnetd(image), image);
  }
});
