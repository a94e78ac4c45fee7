import semver from "semver";
import { isRecord } from "../../values/data.ts";
import { patchesOf, readPatch, splitDocuments } from "../config/patches.ts";
import type { UserConfiguration } from "../config/read.ts";
import type { ClusterShape } from "../config/shape.ts";
import { splitSubnet } from "./pod-subnets.ts";

/**
 * A boot without the parts that only wait:
 * - A single control plane does not elect a leader: the first try fails while RBAC's roles are still being created, and
 *   the next comes seconds later.
 * - etcd does not flush each write to the disk: the cluster lives as long as the job.
 * - The controllers' client is not throttled while all of them start at once.
 * - Before Kubernetes 1.31 the node IPAM controller sleeps for ten seconds while every other controller waits for it. It
 *   runs in a process of its own, and the run assigns the pod subnets of the nodes that it creates. So they are known
 *   before a node has registered, on every version, and the pod network does not have to wait either.
 */
export interface FastBoot {
  /** Each node's pod subnet, by name. */
  readonly podSubnets: ReadonlyMap<string, string>;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** Whether the run connects the nodes' pods before kindnetd does; only where kube-proxy uses iptables. */
  readonly connectsPods: boolean;
}

/** How a cluster boots: fast, or in kind's own way, with the reason. */
export type FastBootPlan = { readonly fastBoot: FastBoot } | { readonly notUsedBecause: string };

/** The first version whose kubeadm understands every flag of the patch. */
const FIRST_SUPPORTED = "1.23.0";

/**
 * Decides whether the boot can be fast without changing what the user asked for: one control plane, IPv4, and no patch of
 * the user's to the components that the fast boot configures.
 */
export function planFastBoot(
  shape: Pick<ClusterShape, "nodes" | "podSubnet" | "serviceSubnet" | "defaultCni">,
  user: UserConfiguration | undefined,
  kubernetes: string,
): FastBootPlan {
  const { nodes, podSubnet, serviceSubnet, defaultCni } = shape;
  const controlPlanes = nodes.filter((node) => node.role === "control-plane");
  if (controlPlanes.length !== 1) return { notUsedBecause: "several control planes elect a leader" };
  if (semver.lt(kubernetes, FIRST_SUPPORTED)) return { notUsedBecause: `Kubernetes is older than ${FIRST_SUPPORTED}` };
  const family = user?.networking.ipFamily ?? "ipv4";
  if (family !== "ipv4") return { notUsedBecause: `networking.ipFamily is ${family}` };
  const patched = findControlPlanePatch(user);
  if (patched !== undefined) return { notUsedBecause: `kind-config has a kubeadm patch to ${patched}` };
  const podSubnets = splitSubnet(podSubnet, nodes);
  if (podSubnets === undefined) return { notUsedBecause: `${podSubnet} has no /24 for each node` };
  const connectsPods = defaultCni && usesIptables(user);
  return { fastBoot: { podSubnets, podSubnet, serviceSubnet, connectsPods } };
}

/** The fields of a ClusterConfiguration that the fast boot does not configure. */
const UNRELATED = ["kind", "apiVersion", "metadata", "apiServer"];

/** The part of the control plane's configuration that the user patches, for a message. */
function findControlPlanePatch(user: UserConfiguration | undefined): string | undefined {
  if (user === undefined) return undefined;
  const parts = [user.document, ...user.nodes];
  const patches = parts.flatMap((part) => patchesOf(part.kubeadmConfigPatches)).flatMap(splitDocuments);
  const fields = patches.map(readPatch).flatMap((patch) => {
    if (!isRecord(patch)) return [];
    if (patch.kind === "InitConfiguration") return "skipPhases" in patch ? ["skipPhases"] : [];
    return patch.kind === "ClusterConfiguration" ? Object.keys(patch).filter((key) => !UNRELATED.includes(key)) : [];
  });
  const json = parts.map((part) => JSON.stringify(part.kubeadmConfigPatchesJSON6902 ?? ""));
  const words = json.flatMap((text) => /ClusterConfiguration|skipPhases/.exec(text)?.[0] ?? []);
  return [...fields, ...words][0];
}

/** Whether kube-proxy uses iptables: kind's default, and not patched. */
function usesIptables(user: UserConfiguration | undefined): boolean {
  if (user === undefined) return true;
  const parts = [user.document, ...user.nodes];
  const patches = parts.flatMap((part) => [part.kubeadmConfigPatches, part.kubeadmConfigPatchesJSON6902]);
  const isPatched = patches.some((each) => /KubeProxyConfiguration/.test(JSON.stringify(each ?? "")));
  return (user.networking.kubeProxyMode ?? "iptables") === "iptables" && !isPatched;
}
