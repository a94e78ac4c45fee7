import type { Versions } from "../../versions/resolve.ts";
import {
  asList,
  isRecord,
  type KindConfiguration,
  patchesOf,
  readPatch,
  splitDocuments,
  type UserConfiguration,
} from "./read.ts";
import type { ClusterShape } from "./shape.ts";
import { isMatched } from "./unused.ts";

/** Where a node's ownership mount is seen inside the node. */
export const OWNER_MOUNT = "/kind-torch/owner";

/** Where a resolv.conf of the run's is seen inside the node. */
export const RESOLV_CONF_MOUNT = "/kind-torch/resolv.conf";

/** What a run adds to the configuration on its own account. */
export interface RunMounts {
  /** A folder that is this run's alone: the mount that proves whose the node is. */
  readonly owner: string;
  /** The resolv.conf that the kubelets are to hand to pods, where one was asked for. */
  readonly resolvConf: string | undefined;
}

/**
 * The configuration that kind gets: the user's, with what the plan adds. JSON is YAML, so no writer is needed.
 * @param defaults kubeadm patches of ours, which a user's may override: they come first.
 */
export function renderKindConfiguration(
  shape: ClusterShape,
  versions: Versions,
  user: UserConfiguration | undefined,
  mounts: RunMounts,
  defaults: readonly string[],
): string {
  const extraMounts = [
    { hostPath: mounts.owner, containerPath: OWNER_MOUNT, readOnly: true },
    ...(mounts.resolvConf === undefined
      ? []
      : [{ hostPath: mounts.resolvConf, containerPath: RESOLV_CONF_MOUNT, readOnly: true }]),
  ];
  const bare: readonly KindConfiguration[] = shape.nodes.map((node) => ({ role: node.role }));
  const theirs = user !== undefined && user.nodes.length > 0 ? user.nodes : bare;
  const sansOf = (patches: unknown) => sanListsIn(patches, versions);
  const sans = planSans(shape, user, sansOf);
  const nodes = theirs.map((node) => ({
    ...node,
    image: node.image ?? versions.nodeImage,
    extraMounts: [...asList(node.extraMounts), ...extraMounts],
    // A node's own patches come after the cluster's, and a list in a patch replaces: ours must come last there too.
    ...(sans !== undefined && sansOf(node.kubeadmConfigPatches).length > 0
      ? { kubeadmConfigPatches: [...patchesOf(node.kubeadmConfigPatches), sans] }
      : {}),
  }));
  const text = JSON.stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    ...user?.document,
    name: shape.name,
    networking: {
      ...user?.networking,
      apiServerAddress: shape.apiServerAddress,
      ...(shape.dns.kind === "inherit" ? {} : { dnsSearch: [] }),
    },
    kubeadmConfigPatches: [
      ...defaults,
      ...ownPatches(mounts),
      ...patchesOf(user?.document.kubeadmConfigPatches),
      ...(sans === undefined ? [] : [sans]),
    ],
    nodes,
  });
  // JSON leaves them as they are, and YAML does not allow them, or reads them as line breaks.
  return text.replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Patches of ours that a user's may override: they come first. */
function ownPatches(mounts: RunMounts): readonly string[] {
  return mounts.resolvConf === undefined
    ? []
    : [JSON.stringify({ kind: "KubeletConfiguration", resolvConf: RESOLV_CONF_MOUNT })];
}

/**
 * The patch with the API server's names: kind's own two, the user's patches' and `extra-sans`, for a list in a
 * kubeadm patch replaces the one before. `undefined` where nothing is added to kind's own.
 */
function planSans(
  shape: ClusterShape,
  user: UserConfiguration | undefined,
  sansOf: (patches: unknown) => readonly unknown[],
): string | undefined {
  const first = user?.nodes.find((node) => node.role !== "worker");
  // Of the nodes, the first control plane's patches alone are read (see findUnusedPatches).
  const lists = [user?.document, first].flatMap((part) => sansOf(part?.kubeadmConfigPatches));
  const theirs = lists.flatMap(asList).filter((name) => typeof name === "string");
  const everyAddress = shape.apiServerAddress === "0.0.0.0" || shape.apiServerAddress === "::";
  const loopback = everyAddress ? [shape.apiServerAddress === "::" ? "::1" : "127.0.0.1"] : [];
  const added = [...theirs, ...loopback, ...shape.extraSans];
  if (added.length === 0 && lists.length === 0) return undefined;
  const certSANs = [...new Set(["localhost", shape.apiServerAddress, ...added])];
  return JSON.stringify({ kind: "ClusterConfiguration", apiServer: { certSANs } });
}

/** What each patch that speaks of the API server's names, and that kind applies, puts in their place: a list, or nothing. */
function sanListsIn(patches: unknown, versions: Versions): readonly unknown[] {
  return patchesOf(patches)
    .flatMap(splitDocuments)
    .flatMap((patch) => {
      const value = readPatch(patch);
      if (!isRecord(value) || value.kind !== "ClusterConfiguration" || !("apiServer" in value)) return [];
      if (!isMatched({ kind: value.kind, apiVersion: value.apiVersion }, versions)) return [];
      if (!isRecord(value.apiServer)) return [value.apiServer];
      return "certSANs" in value.apiServer ? [value.apiServer.certSANs] : [];
    });
}
