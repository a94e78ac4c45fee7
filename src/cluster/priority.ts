import { listClusterContainers } from "../docker/cluster-containers.ts";
import { setShares } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";
import { restoreDefaultWeight } from "../host/cpu-weight.ts";
import { poll } from "../poll.ts";
import { type Ownership, selectOwn } from "./ownership.ts";

/** Of Docker's 1024: what kubeadm needs to keep its time limits even beside a build that uses every processor. */
const LOWERED_SHARES = 256;
const POLL_MILLISECONDS = 300;

/**
 * Lowers the CPU priority of this run's nodes until other work has ended, successfully or not.
 * @param count how many nodes kind creates.
 */
export async function lowerCpuPriority(
  ownership: Ownership,
  count: number,
  other: Promise<unknown>,
  exec: Exec,
): Promise<void> {
  const ended = new AbortController();
  const end = other.catch(() => undefined).then(() => ended.abort());
  const nodes = await waitForNodes(ownership, count, ended.signal, exec);
  if (nodes === undefined || ended.signal.aborted) return;
  await Promise.all(nodes.map((node) => setShares(node, LOWERED_SHARES, exec)));
  await end;
  await Promise.all(nodes.map((node) => restoreDefaultWeight(node, exec)));
}

/** The ids of this run's nodes, once kind has created them all; `undefined` where the signal ends the wait. */
async function waitForNodes(ownership: Ownership, count: number, signal: AbortSignal, exec: Exec) {
  const findNodes = async () => {
    const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
    return own.length < count ? undefined : own.map(({ id }) => id);
  };
  try {
    return await poll(findNodes, { everyMilliseconds: POLL_MILLISECONDS, signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
