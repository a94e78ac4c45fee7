import { Agent, request } from "node:https";
import { findLastWords } from "../diagnosis/components.ts";
import { listClusterContainers } from "../docker/containers.ts";
import { describeError, Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { type ClusterNode, loadBalancerName } from "../values/nodes.ts";
import type { Kubectl } from "./kubectl.ts";
import { type Ownership, selectOwn } from "./ownership.ts";

/** How much of the end of a pod's log is read for its last words. */
const LOG_LINES = 20;
const API_POLL_MILLISECONDS = 200;

/** An API server that answers. */
export interface ApiServer {
  /** Its address on this machine. */
  readonly server: string;
  /** The id of a control plane's container. */
  readonly controlPlane: string;
}

/**
 * Waits until the API server answers `/readyz` in this run's own container (a name proves nothing), through the port
 * that kind published: that is long before `kind create` returns, and late enough for RBAC's bootstrap roles to be
 * there.
 * @returns `undefined` where the signal ends the wait.
 */
export async function waitForApiServer(
  ownership: Ownership,
  nodes: readonly ClusterNode[],
  exec: Exec,
  signal: AbortSignal,
): Promise<ApiServer | undefined> {
  const controlPlanes = nodes.filter((node) => node.role === "control-plane");
  const name = controlPlanes.length > 1 ? loadBalancerName(ownership.cluster) : controlPlanes[0]?.name;
  let address: { readonly host: string; readonly port: number } | undefined;
  let controlPlane: string | undefined;
  while (!signal.aborted) {
    // The load balancer may be there before the control planes are.
    if (address === undefined || controlPlane === undefined) {
      const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
      const container = own.find((each) => each.name === name);
      if (container !== undefined) address = await findPublishedPort(container.id, exec);
      controlPlane = own.find((each) => each.name === controlPlanes[0]?.name)?.id;
    }
    if (address !== undefined && controlPlane !== undefined && (await answersReady(address.host, address.port))) {
      const host = address.host.includes(":") ? `[${address.host}]` : address.host;
      return { server: `https://${host}:${address.port}`, controlPlane };
    }
    await pause(API_POLL_MILLISECONDS);
  }
  return undefined;
}

const ADMIN_SECONDS = 60;

/**
 * Waits until the admin of `admin.conf` has its rights. From Kubernetes 1.29 on kubeadm gives them by a binding that it
 * creates some moments after the API server is ready (kubeadm's EnsureAdminClusterRoleBinding).
 */
export async function waitForAdminRights(kubectl: Kubectl, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + ADMIN_SECONDS * 1000;
  for (;;) {
    try {
      await kubectl(["auth", "can-i", "*", "*", "--all-namespaces", "--quiet"], {
        purpose: "asking for the admin's rights",
      });
      return;
    } catch (error) {
      if (signal.aborted || Date.now() > deadline || !(error instanceof CommandError)) throw error;
      await pause(API_POLL_MILLISECONDS);
    }
  }
}

async function findPublishedPort(container: string, exec: Exec) {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: ["inspect", "--format", '{{json (index .NetworkSettings.Ports "6443/tcp")}}', container],
      timeoutSeconds: 30,
      purpose: "finding the API server's port",
    });
    const bindings: readonly { readonly HostIp: string; readonly HostPort: string }[] | null = JSON.parse(stdout);
    const binding = bindings?.[0];
    if (binding === undefined) return undefined;
    const host = binding.HostIp === "0.0.0.0" || binding.HostIp === "" ? "127.0.0.1" : binding.HostIp;
    return { host: host === "::" ? "::1" : host, port: Number(binding.HostPort) };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Asks without checking the certificate: nothing is sent and nothing is believed but "it answers". */
function answersReady(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host, port, path: "/readyz", rejectUnauthorized: false, timeout: 3000 };
    // An agent of its own takes no proxy, with NODE_USE_ENV_PROXY either.
    const asked = request({ ...options, agent: new Agent() }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}

/** What is waited for after the create. */
export interface ReadinessRequest {
  readonly nodes: readonly ClusterNode[];
  readonly waitSeconds: number;
  /** False: only the API server, RBAC and the default service account, for nothing else can get ready. */
  readonly whole: boolean;
}

/**
 * Waits until the cluster can be used: every node Ready, CoreDNS available, the default service account there.
 * kind's own `--wait` looks at control planes alone and exits 0 when it gives up (kubernetes-sigs/kind #2654).
 * @throws Failure saying what is missing.
 */
export async function waitUntilReady(kubectl: Kubectl, { nodes, waitSeconds, whole }: ReadinessRequest): Promise<void> {
  const deadlineSeconds = Math.max(waitSeconds, 60);
  const deadline = Date.now() + deadlineSeconds * 1000;
  const waits = [waitForServiceAccount(kubectl, deadline)];
  if (whole) {
    waits.push(
      waitForCondition(
        kubectl,
        nodes.map((node) => `node/${node.name}`),
        "Ready",
        waitSeconds,
      ),
      waitForCondition(kubectl, ["--namespace=kube-system", "deployment/coredns"], "Available", waitSeconds),
    );
  }
  const results = await Promise.allSettled(waits);
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return;
  const missing = [
    ...(results[0]?.status === "rejected" ? ["The default service account was not made."] : []),
    ...(whole ? await describeSnapshot(kubectl, nodes).catch(() => [describeError(failed.reason)]) : []),
  ];
  throw new Failure(`The cluster did not get ready within ${deadlineSeconds} s. ${missing.join(" ")}`, {
    fix: "look at the collected logs of the nodes named; a slow machine may need a longer wait",
    cause: failed.reason,
  });
}

async function waitForCondition(kubectl: Kubectl, objects: readonly string[], condition: string, seconds: number) {
  await kubectl(["wait", ...objects, `--for=condition=${condition}`, `--timeout=${Math.ceil(seconds)}s`], {
    purpose: `waiting for ${condition}`,
    timeoutSeconds: seconds + 30,
  });
}

async function waitForServiceAccount(kubectl: Kubectl, deadline: number): Promise<void> {
  for (;;) {
    try {
      await kubectl(["get", "serviceaccount", "default", "--namespace=default", "--output=name"], {
        purpose: "looking for the default service account",
      });
      return;
    } catch (error) {
      if (!(error instanceof CommandError) || Date.now() > deadline) throw error;
      await pause(300);
    }
  }
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}

interface ContainerEnd {
  readonly reason?: string;
  readonly message?: string;
  readonly exitCode?: number;
}

interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: ContainerEnd; readonly terminated?: ContainerEnd };
}

/** The objects that readiness depends on, as kubectl prints them. */
export interface Snapshot {
  readonly items: readonly {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly status?: {
      readonly conditions?: readonly Condition[];
      readonly phase?: string;
      readonly reason?: string;
      readonly message?: string;
      readonly initContainerStatuses?: readonly ContainerStatus[];
      readonly containerStatuses?: readonly ContainerStatus[];
    };
  }[];
}

async function describeSnapshot(kubectl: Kubectl, nodes: readonly ClusterNode[]): Promise<readonly string[]> {
  const { stdout } = await kubectl(["get", "nodes,deployments,pods", "--namespace=kube-system", "--output=json"], {
    purpose: "looking at what is missing",
  });
  const snapshot: Snapshot = JSON.parse(stdout);
  const pods = await Promise.all(
    findStuckPods(snapshot).map(async (pod) => {
      const words =
        pod.container === undefined ? "" : await readLastWords(kubectl, pod.name, pod.container, pod.restarts > 0);
      return words === "" ? pod.sentence : `${pod.sentence} It says: ${words}`;
    }),
  );
  return [...pods, ...describeMissing(snapshot, nodes)];
}

/** The last words of a container, of the one before where that ended; none where no log can be read. */
async function readLastWords(kubectl: Kubectl, pod: string, container: string, ended: boolean): Promise<string> {
  const options = { purpose: `reading the log of ${pod}`, timeoutSeconds: 20 };
  const args = ["logs", pod, "--namespace=kube-system", `--container=${container}`, `--tail=${LOG_LINES}`];
  for (const previous of ended ? [["--previous"], []] : [[]]) {
    const log = await kubectl([...args, ...previous], options).catch(() => undefined);
    const words = findLastWords(log?.stdout ?? "");
    if (words !== "") return words;
  }
  return "";
}

/** A pod of kube-system that does not run as it should. */
export interface StuckPod {
  readonly name: string;
  readonly sentence: string;
  /** The container whose log may say why; `undefined` where none has started. */
  readonly container: string | undefined;
  readonly restarts: number;
}

/** The pods that are not running, or run without getting ready, in the order in which they are listed. */
export function findStuckPods({ items }: Snapshot): readonly StuckPod[] {
  return items.flatMap(({ kind, metadata: { name }, status = {} }) => {
    if (kind !== "Pod" || status.phase === "Succeeded") return [];
    const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    const isDone = ({ ready, state }: ContainerStatus) => ready === true || state?.terminated?.exitCode === 0;
    const stuck = containers.find((container) => !isDone(container));
    if (status.phase === "Running" && stuck === undefined) return [];
    const end = stuck?.state?.waiting ?? stuck?.state?.terminated;
    const unscheduled = status.conditions?.find((each) => each.type === "PodScheduled" && each.status !== "True");
    const reason = end?.reason ?? status.reason ?? status.phase ?? "unknown";
    const message = end?.message ?? unscheduled?.message ?? status.message;
    const restarts = stuck?.restartCount ?? 0;
    const how = reason === "Running" ? "runs and is not ready" : `is not running: ${reason}`;
    const counted = restarts > 0 ? ` after ${restarts} restart(s)` : "";
    return [
      {
        name,
        sentence: `Pod ${name} ${how}${counted}${message === undefined ? "." : `, ${message.replace(/\.?$/, ".")}`}`,
        container:
          stuck !== undefined && (restarts > 0 || end?.reason !== "ContainerCreating") ? stuck.name : undefined,
        restarts,
      },
    ];
  });
}

/** What a cluster lacks to be ready, a sentence each. */
export function describeMissing(snapshot: Snapshot, nodes: readonly ClusterNode[]): readonly string[] {
  const find = (kind: string, name: string) =>
    snapshot.items.find((item) => item.kind === kind && item.metadata.name === name);
  const missing = nodes.flatMap(({ name }) => {
    const node = find("Node", name);
    if (node === undefined) return [`Node ${name} never joined.`];
    const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
    if (ready?.status === "True") return [];
    return [`Node ${name} is not Ready: ${ready?.message ?? "its kubelet has reported nothing"}.`];
  });
  const coredns = find("Deployment", "coredns");
  const available = coredns?.status?.conditions?.find((condition) => condition.type === "Available");
  if (coredns === undefined) missing.push("There is no CoreDNS deployment.");
  else if (available?.status !== "True") {
    missing.push(`CoreDNS is not available: ${available?.message ?? "no replica has started"}`);
  }
  return missing.length === 0 ? ["Nodes and CoreDNS are ready by now."] : missing;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
