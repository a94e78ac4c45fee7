import type { ClusterShape } from "../cluster/config/shape.ts";
import { KIND_CLUSTER_LABEL } from "../docker/labels.ts";
import type { Problem } from "../errors.ts";
import type { Host } from "../host/inspect.ts";
import { isNodeName, nodeNames } from "../values/nodes.ts";

/** A cluster of this name that exists already. */
export function checkPresentCluster({ name, nameField }: ClusterShape, { containers }: Host): readonly Problem[] {
  const present = containers.filter((container) => container.cluster === name && isNodeName(container.name, name));
  if (present.length === 0) return [];
  return [
    {
      ...nameField,
      reason: `is the name of a cluster that exists already (${present.map((container) => container.name).join(", ")})`,
      allowed: "a name that is free on this machine",
      fix: `choose another ${nameField.input === "cluster-name" ? "cluster-name" : "name"}, or set existing: replace to delete the old cluster first`,
    },
  ];
}

/** Containers of something else with the name of one of the nodes: never removed, whatever `existing` says. */
export function checkHeldNames({ name, nodes, nameField }: ClusterShape, { names }: Host): readonly Problem[] {
  const wanted = new Set(nodeNames(name, nodes));
  return names
    .filter((held) => wanted.has(held.name) && held.cluster !== name)
    .map((held) => ({
      ...nameField,
      reason: `needs the container name ${held.name} for a node, and a container that is not part of this cluster has it (image ${held.image}, ${held.status})`,
      allowed: "a name whose nodes' container names are free on this machine",
      fix: `choose another name, or remove that container yourself (docker rm ${held.name}): existing: replace does not touch it`,
    }));
}

/**
 * Containers with kind's label for this cluster that are not its nodes: kind runs privileged commands in every container
 * that has the label, and `existing: replace` does not remove them.
 */
export function checkForeignLabels({ name, nameField }: ClusterShape, { containers }: Host): readonly Problem[] {
  return containers
    .filter((container) => container.cluster === name && !isNodeName(container.name, name))
    .map((container) => ({
      ...nameField,
      reason: `is in the label ${KIND_CLUSTER_LABEL} of the container ${container.name}, which is not a node: kind would run privileged commands in it`,
      allowed: "a name that no other container has in that label",
      fix: `choose another name, or remove that container (docker rm ${container.name}) or the label of its image`,
    }));
}
