import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kubectl } from "../../../../src/cluster/kubectl.ts";
import type { KubernetesEvent, KubernetesObject } from "../../../../src/torch/template/kubernetes.ts";
import { notRunningReason, readWorkload, unavailableReason } from "../../../../src/torch/template/workload.ts";
import { errorOf } from "../../builders.ts";

const metadata = { name: "server-deployment-1-a", namespace: "simple" };
const event = (message: string, at = 1, of: KubernetesEvent["involvedObject"] = {}): KubernetesEvent => ({
  involvedObject: { kind: "Pod", name: metadata.name, namespace: metadata.namespace, ...of },
  message,
  lastTimestamp: `2026-11-25T10:00:0${at}Z`,
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

test("objects in the namespaces of the template and its federations are read, and no others", async () => {
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

test("a time that is not set is read, and anything but a list of objects is an error", async () => {
  const young = {
    kind: "Pod",
    metadata: { name: "p", namespace: "simple" },
    status: { containerStatuses: [{ name: "c", state: { running: { startedAt: null } } }] },
  };
  const kubectlOf = (items: unknown): Kubectl => {
    return async () => ({ stdout: JSON.stringify({ items }), stderr: "" });
  };
  const workload = await readWorkload("simple", [], async (args, options) =>
    kubectlOf(args[1] === "events" ? [{ ...event("own"), lastTimestamp: null, eventTime: null }] : [young])(
      args,
      options,
    ),
  );
  assert.equal(workload.events.length, 1);
  assert.match(notRunningReason(workload, [], Date.now()) ?? "", /the container c of p has only just started/);
  assert.match((await errorOf(readWorkload("simple", [], kubectlOf("none")))).message, /list of Kubernetes objects/);
});
