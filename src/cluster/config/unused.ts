import { asList, isRecord } from "../../inputs/data.ts";
import type { Versions } from "../../versions/resolve.ts";
import type { UserConfiguration } from "../configuration.ts";
import type { ClusterShape } from "../shape.ts";
import { patchesOf, readPatch, splitDocuments } from "./patches.ts";

/** The documents of the kubeadm configuration that kind writes for every node (its pkg/cluster/internal/kubeadm/config.go). */
const KUBEADM = ["ClusterConfiguration", "InitConfiguration", "JoinConfiguration"];
const COMPONENTS: Readonly<Record<string, string>> = {
  KubeletConfiguration: "kubelet.config.k8s.io/v1beta1",
  KubeProxyConfiguration: "kubeproxy.config.k8s.io/v1alpha1",
};

/** What a patch is for. */
interface Target {
  readonly kind: unknown;
  readonly apiVersion: unknown;
}

type Releases = Pick<Versions, "kubernetes" | "kind">;

/** Warnings about the kubeadm patches that change nothing: kind leaves them out without a word. */
export function findUnusedPatches(
  user: UserConfiguration | undefined,
  { nodes }: Pick<ClusterShape, "nodes">,
  releases: Releases,
): readonly string[] {
  if (user === undefined) return [];
  const first = nodes.findIndex((node) => node.role === "control-plane");
  const mode = user.networking.kubeProxyMode;
  const owners = [
    { owner: user.document, path: [], place: nodes.length > 1 ? "cluster" : "one node" } as const,
    ...user.nodes.map((owner, index) => ({
      owner,
      path: ["nodes", index],
      place: index === first ? ("first" as const) : ("joining" as const),
    })),
  ];
  return owners.flatMap(({ owner, path, place }) =>
    targetsOf(owner).flatMap(({ field, target }) => {
      const reason = whyUnmatched(target, releases) ?? whyUnread(target.kind, place, mode === "none");
      return reason === undefined
        ? []
        : [`kind-config: ${user.placeOf([...path, ...field])} changes nothing: ${reason}.`];
    }),
  );
}

/** Whether kind applies a patch to a document of its own: the kind is the same, and the apiVersion, if there is one. */
export function isMatched(target: Target, releases: Releases): boolean {
  return whyUnmatched(target, releases) === undefined;
}

function targetsOf(owner: Readonly<Record<string, unknown>>) {
  const merged = patchesOf(owner.kubeadmConfigPatches).flatMap((patch, index) =>
    splitDocuments(patch)
      .map(readPatch)
      .filter(isRecord)
      .map(({ kind, apiVersion }) => ({ field: ["kubeadmConfigPatches", index], target: { kind, apiVersion } })),
  );
  const json = asList(owner.kubeadmConfigPatchesJSON6902)
    .filter(isRecord)
    .map(({ kind, group = "", version }, index) => ({
      field: ["kubeadmConfigPatchesJSON6902", index],
      target: { kind, apiVersion: group === "" ? version : `${group}/${version ?? ""}` },
    }));
  return [...merged, ...json];
}

function whyUnmatched({ kind, apiVersion }: Target, { kubernetes, kind: release }: Releases): string | undefined {
  const name = typeof kind === "string" ? kind : "";
  const known = [...KUBEADM, ...Object.keys(COMPONENTS)];
  if (name === "") return `it has no kind. Write one of ${known.join(", ")}`;
  if (!known.includes(name)) return `kind writes no ${name} for kubeadm. Write one of ${known.join(", ")}`;
  const written = COMPONENTS[name] ?? kubeadmVersion(kubernetes, release);
  if ((apiVersion ?? "") === "" || apiVersion === written) return undefined;
  return `it is for ${apiVersion}, and kind ${release} writes ${name} as ${written} for Kubernetes ${kubernetes}. Leave apiVersion (or group and version) out`;
}

/** kubeadm's API in kind's template: v1beta4 from kind 0.32 on, for Kubernetes 1.36 and later. */
function kubeadmVersion(kubernetes: string, release: string): string {
  const minor = (version: string) => Number(version.split(".")[1]);
  if (minor(kubernetes) < 23) return "kubeadm.k8s.io/v1beta2";
  return minor(kubernetes) >= 36 && minor(release) >= 32 ? "kubeadm.k8s.io/v1beta4" : "kubeadm.k8s.io/v1beta3";
}

/**
 * What kubeadm reads on which node: init, on the first control plane, all but JoinConfiguration; join that alone, with
 * the others from the cluster.
 */
function whyUnread(kind: unknown, place: "cluster" | "one node" | "first" | "joining", withoutProxy: boolean) {
  if (kind === "KubeProxyConfiguration" && withoutProxy) return "kubeProxyMode is none";
  if (kind === "JoinConfiguration" && place === "one node")
    return "no node joins a cluster of one. Write kind: InitConfiguration";
  if (kind === "JoinConfiguration" && place === "first") {
    return "kubeadm reads it on nodes that join, and this is the first control plane. Write kind: InitConfiguration";
  }
  if (kind === "InitConfiguration" && place === "joining") {
    return "kubeadm reads it on the first control plane, and this node joins. Write kind: JoinConfiguration";
  }
  if (kind !== "JoinConfiguration" && place === "joining") {
    return `nodes that join take their ${kind} from the cluster. Write the patch at the top of the configuration, or at the first control plane`;
  }
  return undefined;
}
