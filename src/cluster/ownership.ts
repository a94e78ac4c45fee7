import { type ClusterContainer, listClusterContainers } from "../docker/containers.ts";
import type { PendingContainer } from "../docker/interrupted.ts";
import { KIND_CLUSTER_LABEL } from "../docker/labels.ts";
import { Failure } from "../errors.ts";
import type { Exec } from "../exec.ts";
import { type ClusterNode, isNodeName, loadBalancerName, nodeNames } from "../values/nodes.ts";
import { OWNER_MOUNT } from "./config/render.ts";

/** By what a run knows its containers. */
export interface Ownership {
  readonly cluster: string;
  /** The folder that this run's nodes carry as a mount. */
  readonly owner: string;
  readonly startedAt: string;
}

/**
 * The containers that are this run's: the nodes that carry its mount. kind gives the load balancer no mounts, so that
 * one is ours when it was created after the run began and no node of the same cluster belongs to another run. A label
 * proves nothing: a container has those of its image too.
 */
export function selectOwn(
  containers: readonly ClusterContainer[],
  { cluster, owner, startedAt }: Ownership,
): readonly ClusterContainer[] {
  const named = containers.filter((container) => container.cluster === cluster);
  const isBalancer = (container: ClusterContainer) => container.name === loadBalancerName(cluster);
  const carries = (container: ClusterContainer) => container.mounts.some((mount) => mount.source === owner);
  const foreign = named.some(
    (container) => !isBalancer(container) && isNodeName(container.name, cluster) && !carries(container),
  );
  return named.filter(
    (container) =>
      carries(container) ||
      (isBalancer(container) && !foreign && Date.parse(container.created) >= Date.parse(startedAt)),
  );
}

/**
 * Refuses containers that only call themselves the cluster's: kind runs commands as a privileged user in every container
 * with its label. @throws Failure naming them.
 */
export async function refuseStrangers(ownership: Ownership, exec: Exec): Promise<void> {
  const labelled = await listClusterContainers(exec, ownership.cluster);
  const own = selectOwn(labelled, ownership);
  const strangers = labelled.filter((container) => !own.includes(container)).map(({ name }) => name);
  if (strangers.length === 0) return;
  if (strangers.some((name) => isNodeName(name, ownership.cluster))) {
    throw new Failure(
      `Something else created a cluster of this name while this step was preparing (${strangers.join(", ")}).`,
      { fix: "give each run on this machine a cluster-name of its own", retryable: false },
    );
  }
  throw new Failure(
    `${strangers.join(", ")} is labelled as a part of the cluster ${ownership.cluster} (${KIND_CLUSTER_LABEL}) and is not one of this run's nodes. kind would run privileged commands in it.`,
    { fix: "remove that container, or the label from it or from its image", retryable: false },
  );
}

/** Removes this run's containers with their volumes. @returns their names. */
export async function removeOwnContainers(ownership: Ownership, exec: Exec): Promise<readonly string[]> {
  const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
  await removeContainers(own, exec);
  return own.map((container) => container.name);
}

/** Every container that kind makes for these nodes, marked as this run's. @param image the node image. */
export function planContainers(
  { cluster, owner }: Pick<Ownership, "cluster" | "owner">,
  nodes: readonly ClusterNode[],
  image: string,
): readonly PendingContainer[] {
  const marks = [`--label=${KIND_CLUSTER_LABEL}=${cluster}`, `--volume=${owner}:${OWNER_MOUNT}:ro`];
  return nodeNames(cluster, nodes).map((name) => ({ name, image, marks }));
}

/** Removes containers with their anonymous volumes. */
export async function removeContainers(containers: readonly ClusterContainer[], exec: Exec): Promise<void> {
  if (containers.length === 0) return;
  await exec({
    file: "docker",
    args: ["rm", "--force", "--volumes", ...containers.map((container) => container.id)],
    timeoutSeconds: 180,
    purpose: "removing the cluster's containers",
  });
}
