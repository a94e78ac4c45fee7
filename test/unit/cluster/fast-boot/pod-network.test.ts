import assert from "node:assert/strict";
import { test } from "node:test";
import { renderKindnetConfiguration } from "../../../../src/cluster/fast-boot/kindnet.ts";
import { connectCommand, parseAddress } from "../../../../src/cluster/fast-boot/pod-network.ts";
import { execArgs } from "../../../../src/docker/containers.ts";

const nodes = [
  { name: "c-control-plane", address: "172.18.0.2" },
  { name: "c-worker", address: "172.18.0.3" },
  { name: "c-worker2", address: "172.18.0.4" },
] as const;
const subnets = new Map(nodes.map(({ name }, index) => [name, `10.244.${index}.0/24`]));

test("a node gets its own configuration, and a route to the pods of each of the others", () => {
  const args = execArgs("c-control-plane", connectCommand("c-control-plane", nodes, subnets));
  assert.deepEqual(args.slice(0, 2), ["exec", "c-control-plane"]);
  assert.equal(args[6], renderKindnetConfiguration("10.244.0.0/24"));
  assert.deepEqual(args.slice(7), ["10.244.1.0/24 via 172.18.0.3", "10.244.2.0/24 via 172.18.0.4"]);
});

test("a node's address is its first IPv4 address, and unknown without one", () => {
  assert.deepEqual(parseAddress("/c-worker 172.18.0.3"), [nodes[1]]);
  assert.deepEqual(parseAddress("/c-worker  172.18.0.3"), [nodes[1]]);
  for (const line of ["/c-worker ", "/c-worker invalid", "/c-worker fc00::3", ""]) {
    assert.deepEqual(parseAddress(line), [], line);
  }
});
