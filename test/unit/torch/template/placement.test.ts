import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "../../../../src/torch/template/kubernetes.ts";
import { lackingApplications, placeApplications } from "../../../../src/torch/template/placement.ts";
import type { WorkloadSnapshot } from "../../../../src/torch/template/workload.ts";

const PLACED = [
  { node: "one", cluster: "bologna" },
  { node: "catania", cluster: "catania" },
];

test("an application belongs to the cluster that its location leads to", () => {
  const applications = [
    { name: "a", location: "one" },
    { name: "b", location: "catania" },
    { name: "c", location: "federation" },
    { name: "d", location: undefined },
    { name: "e", location: "palermo" },
  ];
  const placed = placeApplications(applications, { nodes: ["one", "catania", "palermo"], placed: PLACED });
  // Nothing here knows palermo, and e is not looked for.
  assert.deepEqual(placed, [
    { node: "a", cluster: "bologna" },
    { node: "b", cluster: "catania" },
    { node: "c", cluster: undefined },
    { node: "d", cluster: undefined },
  ]);
});

const deployment = (name: string, availableReplicas = 1): KubernetesObject => ({
  kind: "Deployment",
  metadata: { name: `${name}-deployment` },
  status: { availableReplicas },
});
const having = (...deployments: readonly KubernetesObject[]): WorkloadSnapshot => ({
  ...{ deployments, services: [], pods: [], events: [] },
});

test("an application that runs in the wrong cluster is missing in the right one", () => {
  const applications = [
    { node: "a", cluster: "bologna" },
    { node: "b", cluster: "catania" },
  ];
  const reason = (bologna: WorkloadSnapshot, catania: WorkloadSnapshot) =>
    lackingApplications(new Map(Object.entries({ bologna, catania })), applications, 0);
  assert.equal(reason(having(deployment("a")), having(deployment("b"))), undefined);
  assert.equal(
    reason(having(deployment("a"), deployment("b")), having()),
    "in the cluster catania there is no Deployment of b",
  );
  assert.equal(
    reason(having(deployment("a", 0)), having(deployment("b"))),
    "in the cluster bologna a-deployment: 0 of 1 pods are available",
  );
});

test("an application on a federation may be in any of its clusters", () => {
  const applications = [{ node: "c", cluster: undefined }];
  const reason = (bologna: WorkloadSnapshot, catania: WorkloadSnapshot) =>
    lackingApplications(new Map(Object.entries({ bologna, catania })), applications, 0);
  assert.equal(reason(having(), having(deployment("c"))), undefined);
  assert.equal(reason(having(), having()), "there is no Deployment of c");
});

test("of a single cluster no name is said", () => {
  const workloads = new Map([["bologna", having()]]);
  const applications = [{ node: "a", cluster: "bologna" }];
  assert.equal(lackingApplications(workloads, applications, 0), "there is no Deployment of a");
});
