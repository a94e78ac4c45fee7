import { basename, join } from "node:path";
import { type ClusterContainer, listClusterContainers } from "../docker/cluster-containers.ts";
import { removeContainers } from "../docker/containers.ts";
import { enginePath } from "../docker/engine-paths.ts";
import type { PendingContainer } from "../docker/interrupted.ts";
import { KIND_CLUSTER_LABEL } from "../docker/labels.ts";
import type { EngineSite } from "../docker/site.ts";
import { Failure } from "../errors.ts";
import type { Exec } from "../exec.ts";
import { readRunFolder } from "../run-folder.ts";
import { type ClusterNode, isNodeName, loadBalancerName, nodeNames } from "../values/nodes.ts";

/** What identifies a run's containers. */
export interface Ownership {
  readonly cluster: string;
  /** The mount that only this run's nodes have. */
  readonly owner: OwnerMount;
  readonly startedAt: string;
}

/** A mount that proves which run a node belongs to: no other run has both of its paths. */
export interface OwnerMount {
  /** On the engine's machine. */
  readonly source: string;
  /** In the node. */
  readonly destination: string;
}

/** Where a node's ownership mount is in the node. */
const OWNER_MOUNT = "/kind-torch/owner";

/**
 * Plans the mount of a run: a folder of its own. Where the engine's machine does not have that folder, it is what every
 * machine has, at a place of the run's own.
 */
export function planOwnerMount(
  site: EngineSite,
  { runDirectory, runId }: { readonly runDirectory: string; readonly runId: string },
): OwnerMount {
  const source = enginePath(site, ownerFolder(runDirectory));
  return source === undefined
    ? { source: "/dev/null", destination: `${OWNER_MOUNT}-${runId}` }
    : { source, destination: OWNER_MOUNT };
}

/** The folder of a run that its nodes mount. */
export function ownerFolder(runDirectory: string): string {
  return join(runDirectory, "owner");
}

/**
 * Selects this run's containers: the nodes that have its mount. kind gives the load balancer no mounts: it is ours if it
 * was created after the run began, and no node of the same cluster belongs to another run. A label proves nothing, because
 * a container also has those of its image.
 */
export function selectOwn(
  containers: readonly ClusterContainer[],
  { cluster, owner, startedAt }: Ownership,
): readonly ClusterContainer[] {
  const named = containers.filter((container) => container.cluster === cluster);
  const isBalancer = (container: ClusterContainer) => container.name === loadBalancerName(cluster);
  const hasMount = (container: ClusterContainer) =>
    container.mounts.some(({ source, destination }) => source === owner.source && destination === owner.destination);
  const foreign = named.some(
    (container) => !isBalancer(container) && isNodeName(container.name, cluster) && !hasMount(container),
  );
  return named.filter(
    (container) =>
      hasMount(container) ||
      (isBalancer(container) && !foreign && Date.parse(container.created) >= Date.parse(startedAt)),
  );
}

/**
 * Selects the containers of a run of which only the folder's path is known. The engine's machine may have that folder under
 * another path; its name holds the run's id.
 */
export function findUnrecorded(
  containers: readonly ClusterContainer[],
  runDirectory: string,
): readonly ClusterContainer[] {
  const folder = `/${basename(runDirectory)}/owner`;
  const { id } = readRunFolder(runDirectory);
  const mount = containers
    .flatMap(({ cluster, mounts }) => mounts.map(({ source, destination }) => ({ cluster, source, destination })))
    .find(
      ({ source, destination }) =>
        (destination === OWNER_MOUNT && source.endsWith(folder)) || destination === `${OWNER_MOUNT}-${id}`,
    );
  if (mount === undefined) return [];
  // A load balancer is of the cluster's age.
  return selectOwn(containers, { cluster: mount.cluster, owner: mount, startedAt: new Date(0).toISOString() });
}

/**
 * Refuses containers that have the cluster's label but are not this run's: kind runs privileged commands in every
 * container with its label.
 * @throws Failure that names them.
 */
export async function refuseForeignContainers(ownership: Ownership, exec: Exec): Promise<void> {
  const labelled = await listClusterContainers(exec, ownership.cluster);
  const own = selectOwn(labelled, ownership);
  const foreign = labelled.filter((container) => !own.includes(container)).map(({ name }) => name);
  if (foreign.length === 0) return;
  if (foreign.some((name) => isNodeName(name, ownership.cluster))) {
    throw new Failure(
      `Something else created a cluster of this name while this step was preparing (${foreign.join(", ")}).`,
      { fix: "use a different cluster-name for each run on this machine", retryable: false },
    );
  }
  throw new Failure(
    `${foreign.join(", ")} has the label of the cluster ${ownership.cluster} (${KIND_CLUSTER_LABEL}), but is not one of this run's nodes. kind would run privileged commands in it.`,
    { fix: "remove that container, or the label of its image", retryable: false },
  );
}

/** The nodes of this run, by the mount that proves it. @throws Failure where one is missing. */
export async function findNodes(
  ownership: Ownership,
  nodes: readonly ClusterNode[],
  exec: Exec,
): Promise<readonly ClusterContainer[]> {
  const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
  return nodes.map(({ name }) => {
    const found = own.find((container) => container.name === name);
    if (found === undefined) throw new Failure(`The node ${name} is not among this run's containers.`);
    return found;
  });
}

/** Removes this run's containers with their volumes. @returns their names. */
export async function removeOwnContainers(ownership: Ownership, exec: Exec): Promise<readonly string[]> {
  const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
  await removeClusterContainers(own, exec);
  return own.map((container) => container.name);
}

/** Every container that kind creates for these nodes, with what marks it as this run's. @param image the node image. */
export function planContainers(
  { cluster, owner }: Pick<Ownership, "cluster" | "owner">,
  nodes: readonly ClusterNode[],
  image: string,
): readonly PendingContainer[] {
  const marks = [`--label=${KIND_CLUSTER_LABEL}=${cluster}`, `--volume=${owner.source}:${owner.destination}:ro`];
  return nodeNames(cluster, nodes).map((name) => ({ name, image, marks }));
}

/** Removes containers with their anonymous volumes. */
export async function removeClusterContainers(containers: readonly ClusterContainer[], exec: Exec): Promise<void> {
  const options = { timeoutSeconds: 180, purpose: "removing the cluster's containers" };
  const ids = containers.map(({ id }) => id);
  await removeContainers(ids, options, exec);
}
