import type { Unzipped } from "fflate";
import { YAML_LIMITS } from "../../values/yaml-limits.ts";
import { childOf, type ReadYaml, readYaml } from "./tosca-yaml.ts";

/** TORCH-V2's type of a node that is a cluster. */
export const CLUSTER_TYPE = "torch.nodes.Location.Cluster";

/** TORCH-V2's type of a node that is a federation of clusters. */
export const FEDERATION_TYPE = "torch.nodes.Location.Federation";

/** Of all YAML files of an archive together that are read for their node types. */
const MAX_TYPES_BYTES = 2 * 1024 * 1024;

/**
 * The node types that the files of a template define, with the type that each is derived from.
 * @param known files that have been read already, by their names.
 */
export function readTypes(
  files: Unzipped,
  known: ReadonlyMap<string, ReadYaml> = new Map(),
): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  let total = 0;
  for (const [name, bytes] of Object.entries(files)) {
    if (!/\.ya?ml$/i.test(name)) continue;
    // A file that is not read defines no types. A node of such a type does not count as a cluster.
    if (bytes.length <= YAML_LIMITS.bytes) total += bytes.length;
    if (total > MAX_TYPES_BYTES) break;
    const read = known.get(name) ?? readYaml(bytes);
    if ("error" in read) continue;
    const defined = childOf(read.value, "node_types");
    for (const type of Object.keys(defined)) types.set(type, String(childOf(defined, type).derived_from ?? ""));
  }
  return types;
}

/** Whether a type is another, or derived from it. @param types with the type that each is derived from. */
export function isOfType(type: string, wanted: string, types: ReadonlyMap<string, string>): boolean {
  const seen = new Set<string>();
  for (let next = type; next !== "" && !seen.has(next); next = types.get(next) ?? "") {
    if (next === wanted) return true;
    seen.add(next);
  }
  return false;
}
