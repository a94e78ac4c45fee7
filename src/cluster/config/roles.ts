import type { ClusterNode } from "../../values/nodes.ts";
import type { Places } from "./places.ts";
import { CONFIGURATION_INPUT } from "./reader.ts";

/** A node's role: without one it is a control plane (kind's pkg/apis/config/v1alpha4/default.go). */
export function roleOf(node: Readonly<Record<string, unknown>>): ClusterNode["role"] {
  return node.role === "worker" ? "worker" : "control-plane";
}

/** Warns about nodes without a role: a second control plane is rarely intended, and a stray hyphen creates one. */
export function warnAboutRoles(nodes: readonly Readonly<Record<string, unknown>>[], places: Places): readonly string[] {
  if (nodes.filter((node) => roleOf(node) === "control-plane").length < 2) return [];
  return nodes.flatMap((node, index) =>
    node.role === undefined
      ? [
          `${CONFIGURATION_INPUT}: ${places.placeOf(["nodes", index])} has no role, so kind makes it another control plane. Fix: write role: control-plane or role: worker, or remove the hyphen if its fields belong to the node above.`,
        ]
      : [],
  );
}
