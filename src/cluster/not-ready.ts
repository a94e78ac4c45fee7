import { array, boolean, type InferOutput, number, object, optional, string } from "valibot";
import { findErrorLine } from "../diagnosis/components.ts";
import { readJson } from "../values/json.ts";
import type { ClusterNode } from "../values/nodes.ts";
import type { Kubectl } from "./kubectl.ts";

const CONTAINER_STATE = object({
  reason: optional(string()),
  message: optional(string()),
  exitCode: optional(number()),
});

const CONTAINER_STATUS = object({
  name: string(),
  ready: optional(boolean()),
  restartCount: optional(number()),
  state: optional(object({ waiting: optional(CONTAINER_STATE), terminated: optional(CONTAINER_STATE) })),
});

const STATUS = object({
  conditions: optional(array(object({ type: string(), status: string(), message: optional(string()) }))),
  phase: optional(string()),
  reason: optional(string()),
  message: optional(string()),
  initContainerStatuses: optional(array(CONTAINER_STATUS)),
  containerStatuses: optional(array(CONTAINER_STATUS)),
});

const ITEM = object({
  kind: string(),
  metadata: object({ name: string(), namespace: optional(string()) }),
  status: optional(STATUS),
});

type Status = InferOutput<typeof STATUS>;
type ContainerStatus = InferOutput<typeof CONTAINER_STATUS>;

/** The nodes, deployments and pods that readiness depends on, as kubectl prints them. */
export interface Snapshot {
  readonly items: readonly InferOutput<typeof ITEM>[];
}

/**
 * Why a cluster is not ready, a sentence each, with what stuck pods log.
 * @param namespaces where to look for pods: in all of them where the network plugin's may be in any.
 */
export async function findNotReadyReasons(
  kubectl: Kubectl,
  nodes: readonly ClusterNode[],
  namespaces: "kube-system" | "all",
): Promise<readonly string[]> {
  const place = namespaces === "all" ? "--all-namespaces" : `--namespace=${SYSTEM}`;
  const { stdout } = await kubectl(["get", "nodes,deployments,pods", place, "--output=json"], {
    purpose: "looking at what is missing",
  });
  const snapshot = readJson(object({ items: array(ITEM) }), stdout);
  const pods = await Promise.all(
    findStuckPods(snapshot).map(async (pod) => {
      const words = await readLastWords(kubectl, pod);
      return words === "" ? pod.sentence : `${pod.sentence} It says: ${words}`;
    }),
  );
  return [...pods, ...describeMissing(snapshot, nodes)];
}

const SYSTEM = "kube-system";

/** kind's provisioner of volumes, which waits for a node that is Ready and tells nothing more. */
const STORAGE = "local-path-storage";

/** How much of the end of a pod's log is read for its last words. */
const LOG_LINES = 20;

/** The last words of a pod's container, of its previous one if that ended; empty where no log can be read. */
async function readLastWords(kubectl: Kubectl, { name, namespace, container, restarts }: StuckPod): Promise<string> {
  if (container === undefined) return "";
  const options = { purpose: `reading the log of ${name}`, timeoutSeconds: 20 };
  const args = ["logs", name, `--namespace=${namespace}`, `--container=${container}`, `--tail=${LOG_LINES}`];
  for (const previous of restarts > 0 ? [["--previous"], []] : [[]]) {
    const log = await kubectl([...args, ...previous], options).catch(() => undefined);
    const words = findErrorLine(log?.stdout ?? "");
    if (words !== "") return words;
  }
  return "";
}

/** A pod that does not run as it should. */
export interface StuckPod {
  readonly name: string;
  readonly namespace: string;
  readonly sentence: string;
  /** The container whose log may say why; `undefined` where none has started. */
  readonly container: string | undefined;
  readonly restarts: number;
}

/** The pods that are not running, or run without becoming ready, in the order in which they are listed. */
export function findStuckPods({ items }: Snapshot): readonly StuckPod[] {
  return items.flatMap(({ kind, metadata: { name, namespace = SYSTEM }, status = {} }) => {
    if (kind !== "Pod" || namespace === STORAGE || status.phase === "Succeeded") return [];
    const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    const stuck = containers.find((container) => !isDone(container));
    if (status.phase === "Running" && stuck === undefined) return [];
    return [
      {
        name,
        namespace,
        sentence: describeStuckPod(namespace === SYSTEM ? name : `${namespace}/${name}`, status, stuck),
        container: stuck !== undefined && hasStarted(stuck) ? stuck.name : undefined,
        restarts: restartsOf(stuck),
      },
    ];
  });
}

function isDone({ ready, state }: ContainerStatus): boolean {
  return ready === true || state?.terminated?.exitCode === 0;
}

function hasStarted(container: ContainerStatus): boolean {
  return restartsOf(container) > 0 || stateOf(container)?.reason !== "ContainerCreating";
}

function restartsOf(container: ContainerStatus | undefined): number {
  return container?.restartCount ?? 0;
}

function stateOf(container: ContainerStatus | undefined) {
  return container?.state?.waiting ?? container?.state?.terminated;
}

function describeStuckPod(name: string, status: Status, stuck: ContainerStatus | undefined): string {
  const state = stateOf(stuck);
  const restarts = restartsOf(stuck);
  const unscheduled = status.conditions?.find(({ type, status: met }) => type === "PodScheduled" && met !== "True");
  const reason = state?.reason ?? status.reason ?? status.phase ?? "unknown";
  const message = state?.message ?? unscheduled?.message ?? status.message;
  const what = reason === "Running" ? "runs and is not ready" : `is not running: ${reason}`;
  const counted = restarts > 0 ? ` after ${restarts} restart(s)` : "";
  return `Pod ${name} ${what}${counted}${message === undefined ? "." : `, ${message.replace(/\.?$/, ".")}`}`;
}

/** The nodes and the DNS that a cluster lacks to be ready, a sentence each. */
export function describeMissing(snapshot: Snapshot, nodes: readonly ClusterNode[]): readonly string[] {
  const missing = [...nodes.flatMap(({ name }) => notReadyReason(snapshot, name) ?? []), ...describeCoreDns(snapshot)];
  return missing.length === 0 ? ["Nodes and CoreDNS became ready after that."] : missing;
}

/** Why a node is not ready; `undefined` where it is. */
function notReadyReason(snapshot: Snapshot, node: string): string | undefined {
  const found = findItem(snapshot, "Node", node);
  if (found === undefined) return `Node ${node} never joined.`;
  const ready = findCondition(found.status, "Ready");
  if (ready?.status === "True") return undefined;
  return `Node ${node} is not Ready: ${ready?.message ?? "its kubelet has reported nothing"}.`;
}

function describeCoreDns(snapshot: Snapshot): readonly string[] {
  const coredns = findItem(snapshot, "Deployment", "coredns");
  if (coredns === undefined) return ["There is no CoreDNS deployment."];
  const available = findCondition(coredns.status, "Available");
  if (available?.status === "True") return [];
  return [`CoreDNS is not available: ${available?.message ?? "no replica has started"}`];
}

function findItem({ items }: Snapshot, kind: string, name: string) {
  return items.find(
    ({ kind: itsKind, metadata }) =>
      itsKind === kind && metadata.name === name && (metadata.namespace ?? SYSTEM) === SYSTEM,
  );
}

function findCondition(status: Status | undefined, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}
