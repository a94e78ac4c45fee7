import { listContainerIds, removeContainers } from "../../docker/containers.ts";
import { type PendingContainer, removeInterrupted } from "../../docker/interrupted.ts";
import { disconnectContainer, listNetworks, removeNetworks } from "../../docker/networks.ts";
import { listVolumes, removeVolumes } from "../../docker/volumes.ts";
import type { Exec } from "../../exec.ts";
import { pause } from "../../poll.ts";

const SETTLING_MILLISECONDS = 2000;
const PAUSE_MILLISECONDS = 500;

/**
 * Removes what a boot created. After an interrupted boot it goes on until none of its containers can appear any more.
 * @returns how many containers it removed.
 */
export async function removeBoot(
  { label, containers }: { readonly label: string; readonly containers: readonly PendingContainer[] },
  interrupted: boolean,
  exec: Exec,
): Promise<number> {
  const removed = await removeInterrupted(interrupted ? containers : [], () => removeLabelled(label, exec), exec);
  if (!interrupted) return removed.length;
  // Nothing can be asked about a network or volume that is still being created; Docker takes only moments for each.
  let last: readonly string[] = [];
  for (const end = performance.now() + SETTLING_MILLISECONDS; performance.now() < end; ) {
    await pause(PAUSE_MILLISECONDS);
    last = [...last, ...(await removeLabelled(label, exec))];
  }
  return removed.length + last.length;
}

/**
 * Removes every container (with its anonymous volumes), volume and network that has a label.
 * @param member the container of this step, which may be in those networks: it leaves them.
 * @returns the containers.
 */
export async function removeLabelled(label: string, exec: Exec, member?: string): Promise<readonly string[]> {
  const listing = { timeoutSeconds: 60, purpose: "looking for what TORCH-V2 left" };
  const removing = { timeoutSeconds: 180, purpose: "removing what TORCH-V2 left" };
  const containers = await listContainerIds([`label=${label}`], listing, exec);
  await removeContainers(containers, removing, exec);
  await removeVolumes(await listVolumes(label, listing, exec), removing, exec);
  const networks = await listNetworks(label, listing, exec);
  if (member !== undefined) {
    for (const network of networks) await disconnectContainer(network, member, exec);
  }
  await removeNetworks(networks, removing, exec);
  return containers;
}
