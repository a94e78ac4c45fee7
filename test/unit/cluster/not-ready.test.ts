import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMissing, findStuckPods, type Snapshot } from "../../../src/cluster/not-ready.ts";
import { nodesOf } from "../builders.ts";

type Item = Snapshot["items"][number];
const node = (name: string, status: string, message?: string): Item => ({
  kind: "Node",
  metadata: { name },
  status: { conditions: [{ type: "Ready", status, ...(message === undefined ? {} : { message }) }] },
});
const coredns = (status: string, message?: string): Item => ({
  kind: "Deployment",
  metadata: { name: "coredns" },
  status: { conditions: [{ type: "Available", status, ...(message === undefined ? {} : { message }) }] },
});
const nodes = nodesOf(["c-control-plane", "control-plane"], ["c-worker", "worker"]);
const missing = (...items: readonly Item[]) => describeMissing({ items }, nodes).join("\n");

test("a node that is not Ready is named with the kubelet's reason", () => {
  const text = missing(
    node("c-control-plane", "True"),
    node("c-worker", "False", "cni plugin not initialized"),
    coredns("True"),
  );
  assert.match(text, /c-worker.*cni plugin not initialized/);
  assert.doesNotMatch(text, /c-control-plane|CoreDNS/);
});

test("a node that never joined is named", () => {
  assert.match(missing(node("c-control-plane", "True"), coredns("True")), /c-worker never joined/);
});

test("a node whose kubelet stopped reporting is not Ready", () => {
  assert.match(
    missing(node("c-control-plane", "True"), node("c-worker", "Unknown"), coredns("True")),
    /c-worker is not Ready/,
  );
  const silent: Item = { kind: "Node", metadata: { name: "c-worker" } };
  assert.match(missing(node("c-control-plane", "True"), silent, coredns("True")), /c-worker is not Ready/);
});

test("a missing CoreDNS and an unavailable one have different messages", () => {
  const ready = [node("c-control-plane", "True"), node("c-worker", "True")];
  assert.match(missing(...ready), /no CoreDNS/);
  assert.match(missing(...ready, coredns("False", "minimum availability")), /not available: minimum availability/);
  assert.match(missing(...ready, { kind: "Deployment", metadata: { name: "coredns" } }), /not available/);
});

test("everything that is missing is named, and a node named coredns is not the deployment", () => {
  assert.equal(describeMissing({ items: [] }, nodes).length, 3);
  assert.match(missing(node("coredns", "True")), /no CoreDNS/);
});

const pod = (name: string, status: NonNullable<Item["status"]>): Item => ({ kind: "Pod", metadata: { name }, status });
const running = { name: "c", ready: true, restartCount: 0, state: {} };

test("every pod that is not running is named with its state, its restarts and the runtime's message", () => {
  const crashing = {
    name: "kube-scheduler",
    ready: false,
    restartCount: 3,
    state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container" } },
  };
  const stuck = findStuckPods({
    items: [
      pod("etcd-c", { phase: "Running", containerStatuses: [running] }),
      pod("kube-scheduler-c", { phase: "Running", containerStatuses: [running, crashing] }),
      pod("coredns-1", {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes are available" }],
      }),
      pod("kube-proxy-1", {
        phase: "Pending",
        containerStatuses: [
          { name: "p", ready: false, state: { waiting: { reason: "ImagePullBackOff", message: "not found." } } },
        ],
      }),
      pod("job", { phase: "Succeeded", containerStatuses: [{ name: "j", ready: false }] }),
      pod("kindnet-1", {
        phase: "Running",
        containerStatuses: [{ name: "k", ready: false, restartCount: 0, state: {} }],
      }),
    ],
  });
  assert.deepEqual(
    stuck.map(({ sentence }) => sentence),
    [
      "Pod kube-scheduler-c is not running: CrashLoopBackOff after 3 restart(s), back-off 40s restarting failed container.",
      "Pod coredns-1 is not running: Pending, 0/1 nodes are available.",
      "Pod kube-proxy-1 is not running: ImagePullBackOff, not found.",
      "Pod kindnet-1 runs and is not ready.",
    ],
  );
  assert.deepEqual(
    stuck.map(({ container }) => container),
    ["kube-scheduler", undefined, "p", "k"],
  );
});

test("a pod outside kube-system is named with its namespace; kind's provisioner and another coredns count for nothing", () => {
  const inside = (namespace: string, item: Item): Item => ({ ...item, metadata: { ...item.metadata, namespace } });
  const waiting = { name: "agent", ready: false, state: { waiting: { reason: "ErrImagePull" } } };
  const agent = pod("agent-1", { phase: "Pending", containerStatuses: [waiting] });
  const items = [inside("own-network", agent), inside("local-path-storage", agent), inside("kube-system", agent)];
  assert.deepEqual(
    findStuckPods({ items }).map(({ namespace, sentence }) => [namespace, sentence]),
    [
      ["own-network", "Pod own-network/agent-1 is not running: ErrImagePull."],
      ["kube-system", "Pod agent-1 is not running: ErrImagePull."],
    ],
  );
  const ready = [node("c-control-plane", "True"), node("c-worker", "True")];
  assert.match(missing(...ready, inside("other", coredns("False", "minimum"))), /no CoreDNS/);
  assert.match(missing(...ready, inside("kube-system", coredns("False", "minimum"))), /not available: minimum/);
});
