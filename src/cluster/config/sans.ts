import { asList, isRecord } from "../../values/data.ts";
import type { Versions } from "../../versions/resolve.ts";
import { patchesOf, readPatch, splitDocuments, targetOf } from "./patches.ts";
import type { UserConfiguration } from "./read.ts";
import { roleOf } from "./roles.ts";
import type { ClusterShape } from "./shape.ts";
import { isMatched } from "./unused.ts";

/**
 * The kubeadm patch with the API server's names: kind's own two, those of the user's patches, and `extra-sans`; a list
 * in a kubeadm patch replaces the one before. `undefined` where nothing is added to kind's own.
 */
export function planSans(
  { apiServerAddress, extraSans }: Pick<ClusterShape, "apiServerAddress" | "extraSans">,
  user: UserConfiguration | undefined,
  versions: Versions,
): string | undefined {
  // Of the nodes' patches, kubeadm reads only those of the first control plane (see findUnusedPatches).
  const first = user?.nodes.find((node) => roleOf(node) === "control-plane");
  const lists = [user?.document, first].flatMap((part) => sanListsIn(part?.kubeadmConfigPatches, versions));
  const theirs = lists.flatMap(asList).filter((name) => typeof name === "string");
  const added = [...theirs, ...loopbackOf(apiServerAddress), ...extraSans];
  if (added.length === 0 && lists.length === 0) return undefined;
  const certSANs = [...new Set(["localhost", apiServerAddress, ...added])];
  return JSON.stringify({ kind: "ClusterConfiguration", apiServer: { certSANs } });
}

/** The address at which this machine reaches an API server that listens on every address. */
function loopbackOf(address: string): readonly string[] {
  if (address === "::") return ["::1"];
  return address === "0.0.0.0" ? ["127.0.0.1"] : [];
}

/** What each patch to the API server's names that kind applies sets them to: a list, or nothing. */
export function sanListsIn(patches: unknown, versions: Versions): readonly unknown[] {
  return patchesOf(patches)
    .flatMap(splitDocuments)
    .flatMap((patch) => {
      const value = readPatch(patch);
      if (!isRecord(value) || !("apiServer" in value)) return [];
      const target = targetOf(value);
      if (target.kind !== "ClusterConfiguration" || !isMatched(target, versions)) return [];
      if (!isRecord(value.apiServer)) return [value.apiServer];
      return "certSANs" in value.apiServer ? [value.apiServer.certSANs] : [];
    });
}
