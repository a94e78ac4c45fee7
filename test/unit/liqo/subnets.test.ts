import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findNeighbours, parseKubeadmSubnets } from "../../../src/liqo/neighbours.ts";
import { candidateSubnets, chooseSubnets, findOverlap } from "../../../src/liqo/subnets.ts";
import { overlaps, parseSubnet } from "../../../src/values/subnets.ts";
import { container } from "../plan/planning.ts";

test("a cluster's subnets follow from its name, and are nobody's defaults", () => {
  assert.deepEqual(chooseSubnets("bologna", []), candidateSubnets("bologna")[0]);
  assert.deepEqual(chooseSubnets("bologna", []), chooseSubnets("bologna", []));
  assert.notDeepEqual(chooseSubnets("bologna", []), chooseSubnets("catania", []));
  const foreign = ["10.244.0.0/16", "10.96.0.0/12", "172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/15"];
  for (const { podSubnet, serviceSubnet } of candidateSubnets("bologna")) {
    for (const subnet of foreign) {
      assert.equal(
        findOverlap(
          subnet,
          [podSubnet, serviceSubnet].map((each) => ({ subnet: each, holder: "" })),
        ),
        undefined,
      );
    }
  }
});

test("a cluster gets the next subnets where others have its first, and none where all are in use", () => {
  const [first, second, third] = candidateSubnets("bologna");
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const taken = (subnet: string) => ({ subnet, holder: "" });
  assert.deepEqual(chooseSubnets("bologna", [taken(first.podSubnet)]), second);
  assert.deepEqual(chooseSubnets("bologna", [taken(first.serviceSubnet), taken("10.96.0.0/16")]), second);
  assert.deepEqual(chooseSubnets("bologna", [taken(first.podSubnet), taken(second.serviceSubnet)]), third);
  assert.equal(chooseSubnets("bologna", [taken("10.0.0.0/8")]), undefined);
});

test("however many clusters there are, no two get an address in common", () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,20}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 40 }), (names) => {
      const given: string[] = [];
      for (const each of names) {
        const subnets = chooseSubnets(
          each,
          given.map((subnet) => ({ subnet, holder: "" })),
        );
        assert.ok(subnets !== undefined);
        given.push(subnets.podSubnet, subnets.serviceSubnet);
      }
      const parsed = given.map((subnet) => parseSubnet(subnet) ?? assert.fail(subnet));
      for (const [index, one] of parsed.entries()) {
        for (const other of parsed.slice(index + 1)) assert.equal(overlaps(one, other), false);
      }
    }),
    { numRuns: 20 },
  );
});

test("a cluster's subnets are read from what kind gave kubeadm", () => {
  const text = [
    "apiVersion: kubeadm.k8s.io/v1beta3",
    "kind: ClusterConfiguration",
    "networking:",
    "  podSubnet: 10.200.0.0/16",
    '  serviceSubnet: "10.60.0.0/16"',
  ].join("\n");
  assert.deepEqual(parseKubeadmSubnets(text, "rome"), [
    { subnet: "10.200.0.0/16", holder: "the pods of the cluster rome", cluster: "rome" },
    { subnet: "10.60.0.0/16", holder: "the Services of the cluster rome", cluster: "rome" },
  ]);
  const dual = "networking:\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n";
  assert.deepEqual(
    parseKubeadmSubnets(dual, "rome")?.map(({ subnet }) => subnet),
    ["10.244.0.0/16", "fd00:10:244::/56"],
  );
  assert.equal(parseKubeadmSubnets("", "rome"), undefined);
  assert.equal(parseKubeadmSubnets("podSubnet: everything", "rome"), undefined);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (any) => {
      for (const { subnet } of parseKubeadmSubnets(`podSubnet: ${any}`, "rome") ?? []) assert.ok(parseSubnet(subnet));
    }),
  );
});

test("clusters are found by their control planes, the oldest first, and by nothing that only has their label", () => {
  const at = (cluster: string, created: string, name = `${cluster}-control-plane`) => ({
    ...container(cluster),
    name,
    created,
  });
  const found = findNeighbours([
    at("rome", "2026-01-01T00:00:02.5Z", "rome-control-plane2"),
    at("rome", "2026-01-01T00:00:01Z"),
    at("rome", "2026-01-01T00:00:00Z", "rome-worker"),
    at("milan", "2026-01-01T00:00:00.25Z"),
    at("fake", "2026-01-01T00:00:00Z", "registry"),
  ]);
  assert.deepEqual(
    found.map(({ node }) => node),
    ["milan-control-plane", "rome-control-plane"],
  );
});
