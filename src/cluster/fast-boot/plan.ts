import semver from "semver";
import { isRecord, patchesOf, readPatch, splitDocuments, type UserConfiguration } from "../config/read.ts";
import type { ClusterShape } from "../config/shape.ts";
import { splitSubnet } from "./pod-subnets.ts";

/**
 * What is left out of a boot because it only waits. A control plane of one does not elect a leader (the first try
 * fails while RBAC's roles are still being made, the next comes seconds later), a cluster that lives as long as a job
 * does not need etcd to flush each write to the disk, and the controllers' client need not be throttled while all of
 * them start at once. Before Kubernetes 1.31 the node IPAM controller sleeps for ten seconds while every other
 * controller waits for it: it runs in a process of its own, and the nodes that the run creates get their pod subnets
 * from us. So these are known before a node has registered, on every version, and the pod network need not wait either.
 */
export interface FastBoot {
  /** Each node's pod subnet, by name. */
  readonly podSubnets: ReadonlyMap<string, string>;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** Whether the nodes' pods are connected before kindnetd does so; only beside kube-proxy's rules for iptables. */
  readonly connectsPods: boolean;
}

/** How a cluster boots: accelerated, or kind's plain way, with the reason. */
export type BootMode = { readonly acceleration: FastBoot } | { readonly plainBecause: string };

/** From here on kubeadm understands every flag that the patch sets. */
const FIRST_SUPPORTED = "1.23.0";

/**
 * Decides whether a boot can be accelerated without changing what the user asked for: one control plane, IPv4, and no
 * patch of the user's to the components that the acceleration configures. The patch has no apiVersion and maps as
 * extraArgs: kind merges that into kubeadm's v1beta3 as it is, and into v1beta4 by name (kind's
 * pkg/internal/patch/kubeadm_merge.go; every release that lists a version with v1beta4 does so).
 */
export function planBoot(
  {
    nodes,
    podSubnet,
    serviceSubnet,
    defaultCni,
  }: Pick<ClusterShape, "nodes" | "podSubnet" | "serviceSubnet" | "defaultCni">,
  user: UserConfiguration | undefined,
  kubernetes: string,
): BootMode {
  const controlPlanes = nodes.filter((node) => node.role === "control-plane");
  if (controlPlanes.length !== 1) return { plainBecause: "several control planes elect a leader" };
  if (semver.lt(kubernetes, FIRST_SUPPORTED)) return { plainBecause: `Kubernetes is older than ${FIRST_SUPPORTED}` };
  const family = user?.networking.ipFamily ?? "ipv4";
  if (family !== "ipv4") return { plainBecause: `networking.ipFamily is ${family}` };
  const patched = findControlPlanePatch(user);
  if (patched !== undefined) return { plainBecause: `kind-config has a kubeadm patch to ${patched}` };
  const podSubnets = splitSubnet(podSubnet, nodes);
  if (podSubnets === undefined) return { plainBecause: `${podSubnet} has no /24 for each node` };
  const connectsPods = defaultCni && setsIptables(user);
  return { acceleration: { podSubnets, podSubnet, serviceSubnet, connectsPods } };
}

/** Whether kube-proxy sets rules for iptables: kind's default, and not patched. */
function setsIptables(user: UserConfiguration | undefined): boolean {
  if (user === undefined) return true;
  const parts = [user.document, ...user.nodes];
  const patches = parts.flatMap((part) => [part.kubeadmConfigPatches, part.kubeadmConfigPatchesJSON6902]);
  const patched = patches.some((each) => /KubeProxyConfiguration/.test(JSON.stringify(each ?? "")));
  return (user.networking.kubeProxyMode ?? "iptables") === "iptables" && !patched;
}

/** What a ClusterConfiguration may say without touching what the acceleration configures. */
const UNRELATED = ["kind", "apiVersion", "metadata", "apiServer"];

/** What of the control plane's own configuration the user patches, for a message. */
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

/** The kubeadm patch of an accelerated boot. */
export function fastBootPatch(): string {
  return JSON.stringify({
    kind: "ClusterConfiguration",
    controllerManager: {
      extraArgs: {
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
        controllers: "*,bootstrapsigner,tokencleaner,-nodeipam",
      },
    },
    scheduler: { extraArgs: { "leader-elect": "false" } },
    etcd: { local: { extraArgs: { "unsafe-no-fsync": "true" } } },
  });
}
