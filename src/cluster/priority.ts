import { setTimeout as sleep } from "node:timers/promises";
import { listClusterContainers, setShares } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";
import { restoreDefaultWeight } from "../host/cpu-weight.ts";
import { type Ownership, selectOwn } from "./ownership.ts";

/** Of Docker's 1024: what kubeadm needs within its time limits, also beside a build that keeps every processor busy. */
const LOWERED_SHARES = 256;
const POLL_MILLISECONDS = 300;

/**
 * Lets this run's nodes yield the processors to other work until that has ended, well or not.
 * @param count how many nodes kind makes.
 */
export async function lowerCpuPriority(
  ownership: Ownership,
  count: number,
  other: Promise<unknown>,
  exec: Exec,
): Promise<void> {
  let ended = false;
  const end = other
    .catch(() => undefined)
    .then(() => {
      ended = true;
    });
  let nodes: readonly string[] = [];
  while (!ended && nodes.length < count) {
    await Promise.race([sleep(POLL_MILLISECONDS), end]);
    nodes = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership).map(({ id }) => id);
  }
  if (ended) return;
  await Promise.all(nodes.map((node) => setShares(node, LOWERED_SHARES, exec)));
  await end;
  await Promise.all(nodes.map((node) => restoreDefaultWeight(node, exec)));
}
