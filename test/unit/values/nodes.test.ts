import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contextName, internalEndpoint, loadBalancerName, nameNodes } from "../../../src/values/nodes.ts";
import { nodesOf } from "../builders.ts";

test("nodes get kind's names, counted by role in the order of the configuration", () => {
  assert.deepEqual(
    nameNodes("c", ["worker", "control-plane", "worker", "control-plane", "worker"]).map((node) => node.name),
    ["c-worker", "c-control-plane", "c-worker2", "c-control-plane2", "c-worker3"],
  );
});

test("no two nodes of a cluster share a name", () => {
  const roles = fc.array(fc.constantFrom("control-plane" as const, "worker" as const));
  fc.assert(
    fc.property(roles, (given) => {
      const nodes = nameNodes("c", given);
      assert.equal(new Set(nodes.map((node) => node.name)).size, given.length);
      assert.deepEqual(
        nodes.map((node) => node.role),
        given,
      );
    }),
  );
});

test("the internal endpoint is the control plane, or the load balancer of several", () => {
  const one = nodesOf(["bologna-worker", "worker"], ["bologna-control-plane", "control-plane"]);
  assert.equal(internalEndpoint("bologna", one), "https://bologna-control-plane:6443");
  const two = nameNodes("bologna", ["control-plane", "control-plane"]);
  assert.equal(internalEndpoint("bologna", two), `https://${loadBalancerName("bologna")}:6443`);
  assert.equal(loadBalancerName("bologna"), "bologna-external-load-balancer");
  assert.equal(contextName("bologna"), "kind-bologna");
});
