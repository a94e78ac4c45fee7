import { listClusterContainers } from "../docker/cluster-containers.ts";
import { Failure } from "../errors.ts";
import type { Exec } from "../exec.ts";
import { poll } from "../poll.ts";
import { findNeighbours, type Neighbour, readSubnets } from "./neighbours.ts";
import { type ClusterSubnets, findOverlap, type TakenSubnet } from "./subnets.ts";

/** kind writes a cluster's subnets some seconds after its containers; one that is older has none, or is broken. */
const YOUNG_MILLISECONDS = 300_000;
const WAIT_MILLISECONDS = 60_000;

/**
 * Refuses subnets that a cluster got which was created at the same time, so that neither saw the other before. The one
 * whose control plane Docker created first keeps them.
 * @throws Failure that names both.
 */
export async function refuseSharedSubnets(
  own: ClusterSubnets & { readonly name: string },
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const clusters = findNeighbours(await listClusterContainers(exec));
  const index = clusters.findIndex(({ cluster }) => cluster === own.name);
  const earlier = clusters.slice(0, Math.max(index, 0));
  const since = (clusters[index]?.created ?? 0) - YOUNG_MILLISECONDS;
  const taken = await Promise.all(earlier.map((each) => awaitSubnets(each, each.created > since, { exec, signal })));
  for (const subnet of [own.podSubnet, own.serviceSubnet]) {
    const overlap = findOverlap(subnet, taken.flat());
    if (overlap !== undefined) throw sharedSubnet(subnet, overlap, own.name);
  }
}

async function awaitSubnets(
  neighbour: Neighbour,
  isYoung: boolean,
  { exec, signal }: { readonly exec: Exec; readonly signal: AbortSignal },
): Promise<readonly TakenSubnet[]> {
  const ask = async () => (await readSubnets(neighbour, exec)) ?? ((await isGone(neighbour, exec)) ? [] : undefined);
  const forMilliseconds = isYoung ? WAIT_MILLISECONDS : 0;
  return (await poll(ask, { everyMilliseconds: 1000, forMilliseconds, signal })) ?? [];
}

async function isGone({ cluster, node }: Neighbour, exec: Exec): Promise<boolean> {
  return !(await listClusterContainers(exec, cluster)).some(({ name }) => name === node);
}

function sharedSubnet(subnet: string, { holder, subnet: other }: TakenSubnet, cluster: string): Failure {
  return new Failure(
    `${holder} (${other}) and this cluster, ${cluster}, which was created at the same time, have addresses in common: ${subnet}.`,
    {
      fix: "create the two clusters one after the other, or choose another cluster-name: the subnets follow from it",
      retryable: false,
    },
  );
}
