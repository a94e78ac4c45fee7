import { asList, isRecord } from "../../values/data.ts";
import { patchesOf, readPatch, splitDocuments, targetOf } from "./patches.ts";
import type { UserConfiguration } from "./read.ts";
import { roleOf } from "./roles.ts";
import { readOldBoolean } from "./scalars.ts";

const API_VERSION = "kubelet.config.k8s.io/v1beta1";
const FIELD = "failCgroupV1";

/**
 * What a kind configuration sets `failCgroupV1` of the kubelets to; `undefined` leaves it to the kubelet.
 *
 * kind applies the cluster's patches and then a node's, in each list the merge patches before those of RFC 6902
 * (kind's getKubeadmConfig and pkg/internal/patch). The first control plane's result applies to every node: kubeadm
 * stores its KubeletConfiguration in the cluster, where joining nodes read it (kubeadm's kubelet-config).
 */
export function readFailCgroupV1(user: UserConfiguration | undefined): boolean | undefined {
  if (user === undefined) return undefined;
  const first = user.nodes.find((node) => roleOf(node) === "control-plane");
  const changes = [user.document, ...(first === undefined ? [] : [first])].flatMap((part) => [
    ...patchesOf(part.kubeadmConfigPatches).flatMap(mergedValues),
    ...asList(part.kubeadmConfigPatchesJSON6902).flatMap(jsonPatchValues),
  ]);
  const value = changes.at(-1)?.value;
  // kind's reader takes YAML 1.1's words for booleans.
  if (typeof value === "string") return readOldBoolean(value);
  return typeof value === "boolean" ? value : undefined;
}

/** A value that a patch gives the field; null removes it. */
interface Change {
  readonly value: unknown;
}

function mergedValues(patch: string): readonly Change[] {
  return splitDocuments(patch)
    .map(readOrNothing)
    .filter(isRecord)
    .filter((document) => isForKubelet(targetOf(document)))
    .flatMap((document) => (FIELD in document ? [{ value: document[FIELD] }] : []));
}

function jsonPatchValues(entry: unknown): readonly Change[] {
  if (!isRecord(entry) || typeof entry.patch !== "string") return [];
  const { kind, group = "", version = "", patch } = entry;
  if (!isForKubelet({ kind, apiVersion: group === "" ? version : `${group}/${version}` })) return [];
  return asList(readOrNothing(patch))
    .filter(isRecord)
    .filter(({ op, path }) => path === `/${FIELD}` && (op === "add" || op === "replace" || op === "remove"))
    .map(({ op, value }) => ({ value: op === "remove" ? undefined : value }));
}

/** kind applies a patch without apiVersion to every version of its kind. */
function isForKubelet({ kind, apiVersion }: ReturnType<typeof targetOf>): boolean {
  const every = (apiVersion ?? "") === "";
  return kind === "KubeletConfiguration" && (every || apiVersion === API_VERSION);
}

/** Patches that cannot be read are reported by the check of the configuration. */
function readOrNothing(patch: string): unknown {
  try {
    return readPatch(patch);
  } catch {
    return undefined;
  }
}
