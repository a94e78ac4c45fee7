import type { ContainerStatus, KubernetesEvent, KubernetesObject } from "./kubernetes.ts";
import type { WorkloadSnapshot } from "./workload.ts";

/** What keeps a pod from starting. */
export type StuckKind = "image" | "configuration" | "scheduling" | "crash";

/** A pod that does not start, and why. */
export interface StuckPod {
  readonly namespace: string;
  readonly pod: string;
  readonly kind: StuckKind;
  /** The message of the pod's own event or condition. */
  readonly message: string;
}

/** Finds the pods that do not start, with the message of each one's own event. */
export function findStuckPods({ pods, events }: WorkloadSnapshot): readonly StuckPod[] {
  const stuck = pods.flatMap((pod) => {
    const { name, namespace = "" } = pod.metadata;
    const reason = stuckReason(pod, events);
    if (reason === undefined) return [];
    // The event of a crash says only that there was one.
    const messages = [findEvent(pod, reason.kind, events)?.message, reason.message];
    const known = new Set(messages.filter((message) => message !== undefined && message !== ""));
    return [{ namespace, pod: name, kind: reason.kind, message: [...known].join("; ") }];
  });
  return [...findRefused(pods, events), ...stuck];
}

/** The ReplicaSets of which not even one pod was created: a quota or a policy refuses it. */
function findRefused(pods: readonly KubernetesObject[], events: readonly KubernetesEvent[]): readonly StuckPod[] {
  return events
    .filter(({ involvedObject, reason }) => involvedObject.kind === "ReplicaSet" && reason === "FailedCreate")
    .filter(({ involvedObject }) => !pods.some(({ metadata }) => metadata.name.startsWith(`${involvedObject.name}-`)))
    .map(({ involvedObject: { name = "", namespace = "" }, message = "" }) => ({
      namespace,
      pod: name,
      kind: "configuration",
      message,
    }));
}

/** Which of a pod's events says why it is stuck: the first one of a chain, not "Error: ImagePullBackOff". */
const EVENT_MESSAGES: Readonly<Record<StuckKind, RegExp>> = {
  image: /failed to pull|couldn't parse image|not present with pull policy|failed to inspect/i,
  configuration: /^Error: (?!.*BackOff)|not found|failed to/i,
  scheduling: /nodes? (?:are|is) available|unbound|insufficient/i,
  crash: /back-off restarting/i,
};

/** The newest event of a pod that says why it is stuck. */
function findEvent(
  { metadata: { name, namespace = "" } }: KubernetesObject,
  kind: StuckKind,
  events: readonly KubernetesEvent[],
): KubernetesEvent | undefined {
  const timeOf = ({ lastTimestamp, eventTime }: KubernetesEvent) => lastTimestamp ?? eventTime ?? "";
  return events
    .filter(({ involvedObject: of }) => of.kind === "Pod" && of.name === name && of.namespace === namespace)
    .filter(({ message = "" }) => EVENT_MESSAGES[kind].test(message))
    .toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)))
    .at(-1);
}

type Reason = Pick<StuckPod, "kind" | "message">;

/** Why a pod does not start, by its conditions and its containers; `undefined` if it runs or is still starting. */
function stuckReason(pod: KubernetesObject, events: readonly KubernetesEvent[]): Reason | undefined {
  const { conditions = [], initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const unscheduled = conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (unscheduled !== undefined) {
    return { kind: "scheduling", message: unscheduled.message ?? unscheduled.reason ?? "" };
  }
  for (const container of [...initContainerStatuses, ...containerStatuses]) {
    const reason = containerReason(container, pod.metadata.name, events);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Reasons of a waiting container (kubelet's pkg/kubelet/images/types.go). */
const IMAGE_REASONS = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
]);

/** The same (kubelet's pkg/kubelet/container/sync_result.go and kuberuntime). */
const CONFIGURATION_REASONS = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

const CREATING_REASONS = new Set(["ContainerCreating", "PodInitializing"]);

/** Reasons of a pod's event that its containers, which wait with "ContainerCreating", cannot be created. */
const NOT_CREATED = /^(?:FailedMount|FailedAttachVolume|FailedCreatePodSandBox)$/;

function containerReason(
  { name, state, lastState, restartCount = 0 }: ContainerStatus,
  pod: string,
  events: readonly KubernetesEvent[],
): Reason | undefined {
  const { reason = "", message = "" } = state?.waiting ?? {};
  if (IMAGE_REASONS.has(reason)) return { kind: "image", message };
  if (CONFIGURATION_REASONS.has(reason)) return { kind: "configuration", message };
  if (CREATING_REASONS.has(reason)) {
    const event = events.findLast(
      ({ involvedObject, reason: why = "" }) => involvedObject.name === pod && NOT_CREATED.test(why),
    );
    return event === undefined ? undefined : { kind: "configuration", message: event.message ?? "" };
  }
  if (reason !== "CrashLoopBackOff") return undefined;
  const { reason: why = "Error", exitCode } = lastState?.terminated ?? {};
  const times = restartCount + 1;
  return { kind: "crash", message: `container ${name} ended ${times} times (${why}, exit code ${exitCode})` };
}
