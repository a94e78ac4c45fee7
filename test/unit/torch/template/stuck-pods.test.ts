import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesEvent, KubernetesObject } from "../../../../src/torch/template/kubernetes.ts";
import { findStuckPods } from "../../../../src/torch/template/stuck-pods.ts";
import { only } from "../../builders.ts";

const metadata = { name: "server-deployment-1-a", namespace: "simple" };
const pod = (status: NonNullable<KubernetesObject["status"]>): KubernetesObject => ({ kind: "Pod", metadata, status });
const waiting = (reason: string, message?: string) =>
  pod({
    containerStatuses: [{ name: "c", state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } }],
  });
const event = (message: string, at = 1, of: KubernetesEvent["involvedObject"] = {}): KubernetesEvent => ({
  involvedObject: { kind: "Pod", name: metadata.name, namespace: metadata.namespace, ...of },
  message,
  lastTimestamp: `2026-11-25T10:00:0${at}Z`,
});
const snapshot = (pods: readonly KubernetesObject[], events: readonly KubernetesEvent[] = []) => ({
  deployments: [],
  services: [],
  pods,
  events,
});

test("a pod that does not start is found with the messages of its own event and condition", () => {
  const backOff = 'Back-off pulling image "nginx:nope"';
  const pull = 'Failed to pull image "nginx:nope": not found';
  const room = "0/1 nodes are available: 1 Insufficient cpu.";
  const crash: KubernetesObject = pod({
    containerStatuses: [
      {
        name: "c",
        restartCount: 3,
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container" } },
        lastState: { terminated: { reason: "OOMKilled", exitCode: 137 } },
      },
    ],
  });
  const unscheduled = pod({
    conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: room }],
  });
  const cases: readonly (readonly [string, KubernetesObject, readonly KubernetesEvent[], string, string])[] = [
    [
      "an image",
      waiting("ImagePullBackOff", backOff),
      [event("Error: ImagePullBackOff", 5), event(pull, 2), event("Failed to pull image: older", 1)],
      "image",
      `${pull}; ${backOff}`,
    ],
    ["an image without an event", waiting("ErrImagePull", backOff), [], "image", backOff],
    [
      "an image's name",
      waiting("InvalidImageName", 'Failed to apply default image tag "A B"'),
      [event("Error: InvalidImageName", 1)],
      "image",
      'Failed to apply default image tag "A B"',
    ],
    [
      "a configuration",
      waiting("CreateContainerConfigError", 'secret "x" not found'),
      [event('Error: secret "x" not found', 1), event("Back-off restarting failed container", 2)],
      "configuration",
      'Error: secret "x" not found; secret "x" not found',
    ],
    ["a command", waiting("RunContainerError", "exec: not found"), [], "configuration", "exec: not found"],
    [
      "a crash",
      crash,
      [event("Back-off restarting failed container c in pod server", 1)],
      "crash",
      "Back-off restarting failed container c in pod server; container c ended 4 times (OOMKilled, exit code 137)",
    ],
    ["scheduling, said once", unscheduled, [event(room, 1), event("Error: other", 2)], "scheduling", room],
    [
      "an init container",
      pod({ initContainerStatuses: [{ name: "i", state: { waiting: { reason: "ErrImagePull", message: backOff } } }] }),
      [],
      "image",
      backOff,
    ],
  ];
  for (const [name, each, events, kind, message] of cases) {
    const stuck = only(findStuckPods(snapshot([each], events)));
    assert.deepEqual(stuck, { namespace: "simple", pod: metadata.name, kind, message }, name);
  }
});

test("a pod that runs or is still starting is not stuck", () => {
  const cases: readonly KubernetesObject[] = [
    { kind: "Pod", metadata },
    pod({}),
    waiting("ContainerCreating"),
    waiting("PodInitializing"),
    pod({
      conditions: [
        { type: "PodScheduled", status: "True" },
        { type: "Ready", status: "False" },
      ],
    }),
    pod({ containerStatuses: [{ name: "c", restartCount: 2, state: {} }] }),
  ];
  for (const each of cases) {
    assert.deepEqual(findStuckPods(snapshot([each], [event("Failed to pull image")])), [], JSON.stringify(each.status));
  }
});

test("an event of another pod or object does not count", () => {
  const others = [
    event("Failed to pull image: of another pod", 1, { name: "other" }),
    event("Failed to pull image: of a ReplicaSet", 1, { kind: "ReplicaSet" }),
    event("Failed to pull image: of another namespace", 1, { namespace: "simple-federation" }),
  ];
  assert.equal(only(findStuckPods(snapshot([waiting("ErrImagePull", "own")], others))).message, "own");
});

test("a pod that is never created, and a container whose volume is not mounted, are stuck with the event's message", () => {
  const warning = (kind: string, name: string, reason: string, message: string): KubernetesEvent => ({
    involvedObject: { kind, name, namespace: "simple" },
    reason,
    message,
  });
  const creating: KubernetesObject = {
    kind: "Pod",
    metadata: { name: "a-1-x", namespace: "simple" },
    status: { containerStatuses: [{ name: "a", state: { waiting: { reason: "ContainerCreating" } } }] },
  };
  const events = [
    warning("ReplicaSet", "b-1", "FailedCreate", "exceeded quota: pods"),
    warning("Pod", "a-1-x", "FailedMount", 'secret "gone" not found'),
  ];
  const found = findStuckPods({ deployments: [], services: [], pods: [creating], events });
  assert.deepEqual(
    found.map(({ pod, kind, message }) => `${pod} ${kind} ${message}`),
    ["b-1 configuration exceeded quota: pods", 'a-1-x configuration secret "gone" not found'],
  );
});
