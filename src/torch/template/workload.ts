import type { Kubectl } from "../../cluster/kubectl.ts";

/** What a template has in the cluster, as kubectl prints it. */
export interface WorkloadSnapshot {
  readonly deployments: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
  readonly pods: readonly KubernetesObject[];
  readonly events: readonly KubernetesEvent[];
}

/** A Deployment, Service or Pod, as far as it is looked at. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly PodCondition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
  };
  readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode?: number } };
}

/** A Warning event. */
export interface KubernetesEvent {
  readonly involvedObject: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** A pod that does not start, and why. */
export interface StuckPod {
  readonly namespace: string;
  readonly pod: string;
  readonly what: "image" | "configuration" | "crash" | "room";
  /** The words of the pod's own event or condition. */
  readonly words: string;
}

/** How long a pod may be stuck before the deployment is given up, in seconds: images are pulled again, crashes may end. */
export const STUCK_SECONDS: Readonly<Record<StuckPod["what"], number>> = {
  image: 30,
  configuration: 30,
  room: 45,
  crash: 180,
};

const IMAGE_REASONS = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
]);
const CONFIGURATION_REASONS = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

/** The namespaces of a template: its own, and one for each of its nodes that is a federation. */
export function listNamespaces(template: string, nodes: readonly string[]): ReadonlySet<string> {
  return new Set([template, ...nodes.map((node) => `${template}-${node}`)]);
}

/** Whether a namespace is there. */
export async function hasNamespace(name: string, kubectl: Kubectl): Promise<boolean> {
  const { stdout } = await kubectl(["get", "namespace", name, "--ignore-not-found", "--output=name"], {
    purpose: `looking for the namespace ${name}`,
  });
  return stdout.trim() !== "";
}

/** Looks at what a template has in the cluster. */
export async function readWorkload(
  template: string,
  nodes: readonly string[],
  kubectl: Kubectl,
): Promise<WorkloadSnapshot> {
  const namespaces = listNamespaces(template, nodes);
  const get = async (what: string, ...selector: readonly string[]) => {
    const { stdout } = await kubectl(["get", what, "--all-namespaces", "--output=json", ...selector], {
      purpose: `looking at the ${what} of ${template}`,
    });
    const { items }: { readonly items: readonly KubernetesObject[] } = JSON.parse(stdout);
    return items.filter(({ metadata }) => namespaces.has(metadata.namespace ?? ""));
  };
  const [objects, events] = await Promise.all([
    get("deployments,services,pods"),
    kubectl(["get", "events", "--all-namespaces", "--output=json", "--field-selector=type=Warning"], {
      purpose: `looking at the events of ${template}`,
    }),
  ]);
  const { items }: { readonly items: readonly KubernetesEvent[] } = JSON.parse(events.stdout);
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  return {
    deployments: ofKind("Deployment"),
    services: ofKind("Service"),
    pods: ofKind("Pod"),
    events: items.filter((event) => namespaces.has(event.involvedObject.namespace ?? "")),
  };
}

/** How long a container must have run before it counts, in seconds: one that ends at once is available for a moment. */
const SETTLED_SECONDS = 3;

/** And one that has ended before. */
const RECOVERED_SECONDS = 15;

/** Why the applications of a template do not all run yet; `undefined` once they do. @param now the time, in milliseconds. */
export function notRunningReason(
  { deployments, pods }: WorkloadSnapshot,
  applications: readonly string[],
  now: number,
): string | undefined {
  const names = new Set(deployments.map(({ metadata }) => metadata.name));
  const missing = applications.filter((node) => !names.has(`${node}-deployment`));
  if (missing.length > 0) return `there is no Deployment of ${missing.join(", ")}`;
  const unavailable = deployments.flatMap((deployment) => unavailableReason(deployment) ?? []);
  if (unavailable.length > 0) return unavailable.join("; ");
  const young = pods.flatMap(({ metadata, status }) =>
    (status?.containerStatuses ?? [])
      .filter(({ state, restartCount = 0 }) => {
        const startedAt = Date.parse(state?.running?.startedAt ?? "");
        const seconds = restartCount > 0 ? RECOVERED_SECONDS : SETTLED_SECONDS;
        return !(now - startedAt >= seconds * 1000);
      })
      .map(({ name }) => `the container ${name} of ${metadata.name} has only just started`),
  );
  return young.length > 0 ? young.join("; ") : undefined;
}

/** Why a Deployment is not available; `undefined` where it is. */
export function unavailableReason({ metadata, spec, status }: KubernetesObject): string | undefined {
  const wanted = spec?.replicas ?? 1;
  const available = status?.availableReplicas ?? 0;
  const current = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  if (current && available >= wanted) return undefined;
  return `${metadata.name}: ${available} of ${wanted} pods are available`;
}

/** The pods that do not start, each with its own event's words. */
export function findStuckPods({ pods, events }: WorkloadSnapshot): readonly StuckPod[] {
  // What a quota or a policy refuses never becomes a pod.
  const refused = events
    .filter(({ involvedObject, reason }) => involvedObject.kind === "ReplicaSet" && reason === "FailedCreate")
    .filter(({ involvedObject }) => !pods.some(({ metadata }) => metadata.name.startsWith(`${involvedObject.name}-`)))
    .map(({ involvedObject: { name = "", namespace = "" }, message = "" }) => ({
      namespace,
      pod: name,
      what: "configuration" as const,
      words: message,
    }));
  const stuck = pods.flatMap((pod) => {
    const { name, namespace = "" } = pod.metadata;
    const found = findReason(pod, events);
    if (found === undefined) return [];
    const event = events
      .filter(
        ({ involvedObject }) =>
          involvedObject.kind === "Pod" && involvedObject.name === name && involvedObject.namespace === namespace,
      )
      .filter(({ message = "" }) => EVENT_WORDS[found.what].test(message))
      .toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)))
      .at(-1);
    // A crash's event says no more than that there was one.
    const words = [event?.message, found.words].filter((text) => text !== undefined && text !== "");
    return [{ namespace, pod: name, what: found.what, words: [...new Set(words)].join("; ") }];
  });
  return [...refused, ...stuck];
}

/** Which of a pod's events tells why: the first of a chain, not "Error: ImagePullBackOff". */
const EVENT_WORDS: Readonly<Record<StuckPod["what"], RegExp>> = {
  image: /failed to pull|couldn't parse image|not present with pull policy|failed to inspect/i,
  configuration: /^Error: (?!.*BackOff)|not found|failed to/i,
  room: /nodes? (?:are|is) available|unbound|insufficient/i,
  crash: /back-off restarting/i,
};

function timeOf({ lastTimestamp, eventTime }: KubernetesEvent): string {
  return lastTimestamp ?? eventTime ?? "";
}

/** Why a container that is "being created" is not, by its pod's event. */
const NOT_CREATED = /^(?:FailedMount|FailedAttachVolume|FailedCreatePodSandBox)$/;

function findReason(
  { metadata, status }: KubernetesObject,
  events: readonly KubernetesEvent[],
): Pick<StuckPod, "what" | "words"> | undefined {
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === "PodScheduled" && is === "False");
  if (unscheduled !== undefined) return { what: "room", words: unscheduled.message ?? unscheduled.reason ?? "" };
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state, lastState, restartCount = 0 } of containers) {
    const { reason = "", message = "" } = state?.waiting ?? {};
    if (IMAGE_REASONS.has(reason)) return { what: "image", words: message };
    if (CONFIGURATION_REASONS.has(reason)) return { what: "configuration", words: message };
    if (reason === "ContainerCreating" || reason === "PodInitializing") {
      const event = events.findLast(
        (each) => each.involvedObject.name === metadata.name && NOT_CREATED.test(each.reason ?? ""),
      );
      if (event !== undefined) return { what: "configuration", words: event.message ?? "" };
    }
    if (reason === "CrashLoopBackOff") {
      const { reason: why = "Error", exitCode } = lastState?.terminated ?? {};
      return {
        what: "crash",
        words: `container ${name} ended ${restartCount + 1} times (${why}, exit code ${exitCode})`,
      };
    }
  }
  return undefined;
}
