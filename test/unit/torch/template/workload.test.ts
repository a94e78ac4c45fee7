import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kubectl } from "../../../../src/cluster/kubectl.ts";
import {
  findStuckPods,
  type KubernetesEvent,
  type KubernetesObject,
  notRunningReason,
  readWorkload,
  unavailableReason,
} from "../../../../src/torch/template/workload.ts";
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

test("a pod that does not start is found with the words of its own event and condition", () => {
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
    ["room, said once", unscheduled, [event(room, 1), event("Error: other", 2)], "room", room],
    [
      "an init container",
      pod({ initContainerStatuses: [{ name: "i", state: { waiting: { reason: "ErrImagePull", message: backOff } } }] }),
      [],
      "image",
      backOff,
    ],
  ];
  for (const [name, each, events, what, words] of cases) {
    const stuck = only(findStuckPods(snapshot([each], events)));
    assert.deepEqual(stuck, { namespace: "simple", pod: metadata.name, what, words }, name);
  }
});

test("a pod that runs or only begins is not stuck", () => {
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

test("what is said of another pod or object is not this pod's", () => {
  const others = [
    event("Failed to pull image: of another pod", 1, { name: "other" }),
    event("Failed to pull image: of a ReplicaSet", 1, { kind: "ReplicaSet" }),
    event("Failed to pull image: of another namespace", 1, { namespace: "simple-federation" }),
  ];
  assert.equal(only(findStuckPods(snapshot([waiting("ErrImagePull", "own")], others))).words, "own");
});

test("a Deployment is available once as many of its newest pods are as it wants", () => {
  const cases: readonly (readonly [
    Omit<KubernetesObject, "kind" | "metadata">,
    number | undefined,
    RegExp | undefined,
  ])[] = [
    [{ spec: { replicas: 1 }, status: { availableReplicas: 1, observedGeneration: 1 } }, 1, undefined],
    [{ status: { availableReplicas: 1 } }, undefined, undefined],
    [{ spec: { replicas: 0 }, status: { observedGeneration: 2 } }, 2, undefined],
    [{}, undefined, /^server-deployment-1-a: 0 of 1 pods are available$/],
    [{ spec: { replicas: 3 }, status: { availableReplicas: 2, observedGeneration: 1 } }, 1, /2 of 3 pods/],
    // What the status says is of an older generation.
    [{ spec: { replicas: 1 }, status: { availableReplicas: 1, observedGeneration: 1 } }, 2, /available/],
  ];
  for (const [{ spec, status }, generation, expected] of cases) {
    const reason = unavailableReason({
      kind: "Deployment",
      metadata: { ...metadata, ...(generation === undefined ? {} : { generation }) },
      ...(spec === undefined ? {} : { spec }),
      ...(status === undefined ? {} : { status }),
    });
    if (expected === undefined) assert.equal(reason, undefined, JSON.stringify(status));
    else assert.match(reason ?? "it is", expected);
  }
});

test("what lies in the template's namespace and in those of its federations is looked at, and nothing else", async () => {
  const object = (kind: string, name: string, namespace: string) => ({ kind, metadata: { name, namespace } });
  const asked: (readonly string[])[] = [];
  const answers: Readonly<Record<string, readonly object[]>> = {
    "deployments,services,pods": [
      object("Deployment", "d", "simple"),
      object("Service", "s", "simple-federation"),
      object("Pod", "p", "simple"),
      object("Pod", "coredns", "kube-system"),
      object("Deployment", "other", "simpler"),
    ],
    events: [
      event("own"),
      event("federation", 1, { namespace: "simple-federation" }),
      event("no", 1, { namespace: "default" }),
    ],
  };
  // kubectl, with what it would print.
  const kubectl: Kubectl = async (args) => {
    asked.push(args);
    return { stdout: JSON.stringify({ items: answers[args[1] ?? ""] }), stderr: "" };
  };
  const { deployments, services, pods, events } = await readWorkload("simple", ["federation", "other"], kubectl);
  const names = (objects: readonly KubernetesObject[]) => objects.map(({ metadata: { name } }) => name);
  assert.deepEqual([names(deployments), names(services), names(pods)], [["d"], ["s"], ["p"]]);
  assert.deepEqual(
    events.map(({ message }) => message),
    ["own", "federation"],
  );
  for (const args of asked) assert.ok(args.includes("--all-namespaces") && args.includes("--output=json"));
});

test("an application runs once its Deployment is available and its containers have run for a while", () => {
  const now = Date.parse("2026-01-01T00:01:00Z");
  const deployment: KubernetesObject = {
    kind: "Deployment",
    metadata: { name: "server-deployment", namespace: "simple" },
    status: { availableReplicas: 1 },
  };
  const pod = (seconds: number, restartCount: number): KubernetesObject => ({
    kind: "Pod",
    metadata: { name: "server-deployment-1-a", namespace: "simple" },
    status: {
      containerStatuses: [
        {
          name: "server",
          restartCount,
          state: { running: { startedAt: new Date(now - seconds * 1000).toISOString() } },
        },
      ],
    },
  });
  const reason = (deployments: readonly KubernetesObject[], pods: readonly KubernetesObject[]) =>
    notRunningReason({ deployments, pods, services: [], events: [] }, ["server"], now);
  assert.match(reason([], []) ?? "", /no Deployment of server/);
  assert.match(
    reason([{ ...deployment, metadata: { name: "other-deployment" } }], []) ?? "",
    /no Deployment of server/,
  );
  assert.match(reason([{ ...deployment, status: {} }], []) ?? "", /0 of 1 pods/);
  assert.equal(reason([deployment], [pod(5, 0)]), undefined);
  assert.match(reason([deployment], [pod(1, 0)]) ?? "", /has only just started/);
  assert.match(reason([deployment], [pod(5, 2)]) ?? "", /has only just started/, "one that ended before");
  assert.equal(reason([deployment], [pod(20, 2)]), undefined);
});

test("what never becomes a pod, and a container whose volume does not come, are stuck with the event's words", () => {
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
    found.map(({ pod, what, words }) => `${pod} ${what} ${words}`),
    ["b-1 configuration exceeded quota: pods", 'a-1-x configuration secret "gone" not found'],
  );
});
