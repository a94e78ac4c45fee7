import semver from "semver";
import type { Problem } from "../../errors.ts";
import { asList, isRecord } from "../../values/data.ts";
import type { Versions } from "../../versions/resolve.ts";
import { checkLabel } from "./labels.ts";
import { nodeLabelsIn, patchesOf, readPatch, splitDocuments, targetOf } from "./patches.ts";
import type { Path } from "./places.ts";
import type { UserConfiguration } from "./read.ts";
import type { ClusterShape } from "./shape.ts";

/** The documents of kubeadm's configuration that kind writes for every node (pkg/cluster/internal/kubeadm/config.go). */
const KUBEADM = ["ClusterConfiguration", "InitConfiguration", "JoinConfiguration"];
const COMPONENTS: Readonly<Record<string, string>> = {
  KubeletConfiguration: "kubelet.config.k8s.io/v1beta1",
  KubeProxyConfiguration: "kubeproxy.config.k8s.io/v1alpha1",
};

/** The documents that register a node, with its labels. */
const REGISTRATIONS = ["InitConfiguration", "JoinConfiguration"];

type Place = "cluster" | "one node" | "first" | "joining";

/** A part of the configuration that can have patches: the cluster or a node. */
interface Owner {
  readonly owner: Readonly<Record<string, unknown>>;
  readonly path: Path;
  readonly place: Place;
}

/** The document that a patch changes. */
interface Target {
  readonly kind: unknown;
  readonly apiVersion: unknown;
}

type Releases = Pick<Versions, "kubernetes" | "kind">;

/** Warns about kubeadm patches that change nothing: kind ignores them silently. */
export function findUnusedPatches(
  user: UserConfiguration | undefined,
  { nodes }: Pick<ClusterShape, "nodes">,
  releases: Releases,
): readonly string[] {
  if (user === undefined) return [];
  const withoutProxy = user.networking.kubeProxyMode === "none";
  return listOwners(user, nodes).flatMap(({ owner, path, place }) =>
    targetsOf(owner).flatMap(({ field, target }) => {
      const reason = whyUnmatched(target, releases) ?? whyUnread(target.kind, place, withoutProxy);
      return reason === undefined
        ? []
        : [`kind-config: ${user.placeOf([...path, ...field])} changes nothing: ${reason}.`];
    }),
  );
}

/**
 * Checks the node labels in the patches that kubeadm reads.
 * @param releases `undefined` where they are not known: then patches with an apiVersion are skipped.
 */
export function checkPatchLabels(
  user: UserConfiguration | undefined,
  { nodes }: Pick<ClusterShape, "nodes">,
  releases: Releases | undefined,
): readonly Problem[] {
  if (user === undefined) return [];
  const isApplied = (target: Target) =>
    releases === undefined ? (target.apiVersion ?? "") === "" : isMatched(target, releases);
  return listOwners(user, nodes).flatMap(({ owner, path, place }) =>
    mergePatchesOf(owner).flatMap(({ field, target, patch }) => {
      if (!REGISTRATIONS.some((kind) => kind === target.kind)) return [];
      if (!isApplied(target) || whyUnread(target.kind, place, false) !== undefined) return [];
      return nodeLabelsIn(patch).flatMap(([key, value]) => {
        const issue = checkLabel(key, value);
        if (issue === undefined) return [];
        const reason = `sets the node label ${JSON.stringify(key)}, which ${issue.reason}`;
        return [user.problemAt([...path, ...field], { ...issue, reason })];
      });
    }),
  );
}

/** Every part that can have patches, with the nodes whose kubeadm reads them. */
function listOwners(user: UserConfiguration, nodes: ClusterShape["nodes"]): readonly Owner[] {
  const first = nodes.findIndex((node) => node.role === "control-plane");
  return [
    { owner: user.document, path: [], place: nodes.length > 1 ? "cluster" : "one node" },
    ...user.nodes.map((owner, index) => ({
      owner,
      path: ["nodes", index],
      place: index === first ? ("first" as const) : ("joining" as const),
    })),
  ];
}

/** Whether kind applies a patch to one of its documents: the kind is equal, and the apiVersion where the patch has one. */
export function isMatched(target: Target, releases: Releases): boolean {
  return whyUnmatched(target, releases) === undefined;
}

function mergePatchesOf(owner: Readonly<Record<string, unknown>>) {
  return patchesOf(owner.kubeadmConfigPatches).flatMap((text, index) =>
    splitDocuments(text)
      .map(readPatch)
      .filter(isRecord)
      .map((patch) => ({
        field: ["kubeadmConfigPatches", index],
        target: targetOf(patch),
        patch,
      })),
  );
}

function targetsOf(owner: Readonly<Record<string, unknown>>) {
  const json = asList(owner.kubeadmConfigPatchesJSON6902)
    .filter(isRecord)
    .map(({ kind, group = "", version }, index) => ({
      field: ["kubeadmConfigPatchesJSON6902", index],
      target: { kind, apiVersion: group === "" ? version : `${group}/${version ?? ""}` },
    }));
  return [...mergePatchesOf(owner), ...json];
}

function whyUnmatched({ kind, apiVersion }: Target, { kubernetes, kind: release }: Releases): string | undefined {
  const name = typeof kind === "string" ? kind : "";
  const known = [...KUBEADM, ...Object.keys(COMPONENTS)];
  if (name === "") return `it has no kind. Fix: write one of ${known.join(", ")}`;
  if (!known.includes(name)) return `kind does not write ${name} for kubeadm. Fix: write one of ${known.join(", ")}`;
  const written = COMPONENTS[name] ?? kubeadmVersion(kubernetes, release);
  if ((apiVersion ?? "") === "" || apiVersion === written) return undefined;
  return `it is for ${apiVersion}, but kind ${release} writes ${name} as ${written} for Kubernetes ${kubernetes}. Fix: remove apiVersion (or group and version)`;
}

/** kubeadm's API version in kind's template: v1beta4 from kind 0.32 on, for Kubernetes 1.36 and later. */
function kubeadmVersion(kubernetes: string, release: string): string {
  if (semver.lt(kubernetes, "1.23.0-0")) return "kubeadm.k8s.io/v1beta2";
  const isLater = semver.gte(release, "0.32.0") && semver.gte(kubernetes, "1.36.0-0");
  return isLater ? "kubeadm.k8s.io/v1beta4" : "kubeadm.k8s.io/v1beta3";
}

/**
 * Why kubeadm does not read a document. `kubeadm init`, on the first control plane, reads all but JoinConfiguration;
 * `kubeadm join` reads that alone, and gets the others from the cluster.
 */
function whyUnread(kind: unknown, place: Place, withoutProxy: boolean) {
  if (kind === "KubeProxyConfiguration" && withoutProxy) return "kubeProxyMode is none";
  if (kind === "JoinConfiguration" && place === "one node")
    return "no node joins a cluster of one. Fix: write kind: InitConfiguration";
  if (kind === "JoinConfiguration" && place === "first") {
    return "kubeadm reads it on nodes that join, and this is the first control plane. Fix: write kind: InitConfiguration";
  }
  if (kind === "InitConfiguration" && place === "joining") {
    return "kubeadm reads it on the first control plane, and this node joins. Fix: write kind: JoinConfiguration";
  }
  if (kind !== "JoinConfiguration" && place === "joining") {
    return `joining nodes get their ${kind} from the cluster. Fix: write the patch at the top of the configuration, or for the first control plane`;
  }
  return undefined;
}
