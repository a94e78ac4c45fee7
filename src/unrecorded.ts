import { findUnrecorded, removeClusterContainers } from "./cluster/ownership.ts";
import { listClusterContainers } from "./docker/cluster-containers.ts";
import { LOAD_BALANCER_RUN_LABEL, REGISTRY_RUN_LABEL, TORCH_RUN_LABEL } from "./docker/labels.ts";
import type { Exec } from "./exec.ts";
import { readRunFolder } from "./run-folder.ts";
import { removeLabelled } from "./torch/stack/removal.ts";

/**
 * Removes what Docker has of a run whose journal is gone, as after RUNNER_TEMP was emptied: what mounts the run's folder,
 * and what has its label. @returns how many containers it removed.
 */
export async function removeUnrecorded(runDirectory: string, exec: Exec): Promise<number> {
  const { run } = readRunFolder(runDirectory);
  let count = 0;
  for (const label of [TORCH_RUN_LABEL, REGISTRY_RUN_LABEL, LOAD_BALANCER_RUN_LABEL]) {
    count += (await removeLabelled(`${label}=${run}`, exec)).length;
  }
  const nodes = findUnrecorded(await listClusterContainers(exec), runDirectory);
  await removeClusterContainers(nodes, exec);
  return count + nodes.length;
}
