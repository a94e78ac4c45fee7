import { describeError, Failure } from "../errors.ts";
import type { ClusterNode } from "../values/nodes.ts";
import { retryCommand } from "./command-retry.ts";
import type { Kubectl } from "./kubectl.ts";
import { findNotReadyReasons } from "./not-ready.ts";

/** What is waited for after the create. */
export interface ReadinessRequest {
  readonly nodes: readonly ClusterNode[];
  readonly waitSeconds: number;
  /** `api-server`: only the API server, RBAC and the default service account, where nothing else can become ready. */
  readonly readiness: "full" | "api-server";
  /** Whether the network plugin is the user's: its pods may be in any namespace. */
  readonly bringsNetwork: boolean;
}

/**
 * Waits until the cluster can be used: every node Ready, CoreDNS available, the default service account created.
 * kind's own `--wait` only looks at control planes, and exits 0 when it times out (kubernetes-sigs/kind #2654).
 * @throws Failure that says what is missing.
 */
export async function waitUntilReady(
  kubectl: Kubectl,
  { nodes, waitSeconds, readiness, bringsNetwork }: ReadinessRequest,
): Promise<void> {
  const limitSeconds = Math.max(waitSeconds, 60);
  const isFull = readiness === "full";
  const [account, ...others] = await Promise.allSettled([
    waitForServiceAccount(kubectl, limitSeconds),
    ...(isFull ? [waitForNodes(kubectl, nodes, waitSeconds), waitForCoreDns(kubectl, waitSeconds)] : []),
  ]);
  const failed = [account, ...others].find((result) => result.status === "rejected");
  if (failed === undefined) return;
  const findReasons = () =>
    findNotReadyReasons(kubectl, nodes, bringsNetwork ? "all" : "kube-system").catch(() => [
      describeError(failed.reason),
    ]);
  const reasons = [
    ...(account.status === "rejected" ? ["The default service account was not created."] : []),
    ...(isFull ? await findReasons() : []),
  ];
  throw new Failure(
    `The cluster was not ready after ${account.status === "rejected" ? limitSeconds : waitSeconds} s. ${reasons.join(" ")}`,
    {
      fix: `${bringsNetwork ? "check that the cni-manifests fit this cluster (images, pod subnet)" : "look at the collected logs of these nodes"}; on a slow machine, set a longer wait`,
      cause: failed.reason,
      retryable: !reasons.some(isLasting),
    },
  );
}

/** Whether a reason is there again in the same cluster made once more: an image that is not there, a pod that fits no node. */
function isLasting(reason: string): boolean {
  return /is not running: (?:ErrImagePull|ImagePullBackOff|InvalidImageName)|nodes are available:/.test(reason);
}

async function waitForNodes(kubectl: Kubectl, nodes: readonly ClusterNode[], seconds: number): Promise<void> {
  const objects = nodes.map((node) => `node/${node.name}`);
  await waitForCondition(kubectl, objects, "Ready", seconds);
}

async function waitForCoreDns(kubectl: Kubectl, seconds: number): Promise<void> {
  await waitForCondition(kubectl, ["--namespace=kube-system", "deployment/coredns"], "Available", seconds);
}

async function waitForCondition(kubectl: Kubectl, objects: readonly string[], condition: string, seconds: number) {
  await kubectl(["wait", ...objects, `--for=condition=${condition}`, `--timeout=${Math.ceil(seconds)}s`], {
    purpose: `waiting for ${condition}`,
    timeoutSeconds: seconds + 30,
  });
}

async function waitForServiceAccount(kubectl: Kubectl, seconds: number): Promise<void> {
  await retryCommand(
    () =>
      kubectl(["get", "serviceaccount", "default", "--namespace=default", "--output=name"], {
        purpose: "looking for the default service account",
      }),
    { everyMilliseconds: 300, forMilliseconds: seconds * 1000 },
  );
}
