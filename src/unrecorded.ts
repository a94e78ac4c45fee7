import { findUnrecorded, ownerFolder, removeClusterContainers } from "./cluster/ownership.ts";
import { listClusterContainers } from "./docker/cluster-containers.ts";
import { LOAD_BALANCER_RUN_LABEL, REGISTRY_RUN_LABEL, TORCH_RUN_LABEL } from "./docker/labels.ts";
import { describeError } from "./errors.ts";
import type { Exec } from "./exec.ts";
import { readRunFolder } from "./run-folder.ts";
import type { Log } from "./runner/log.ts";
import { removeLabelled } from "./torch/stack/removal.ts";
import { exists } from "./values/files.ts";

/** Removes what is left of a run whose journal is gone, as after RUNNER_TEMP was emptied. */
export async function tearDownUnrecorded({
  exec,
  log,
  runDirectory,
}: {
  readonly exec: Exec;
  readonly log: Log;
  readonly runDirectory: string;
}): Promise<void> {
  // A main that was stopped before it wrote its journal, and install-only, have asked Docker for nothing.
  if ((await exists(runDirectory)) && !(await exists(ownerFolder(runDirectory)))) return;
  const removed = await removeUnrecorded(runDirectory, exec).catch((error: unknown) => {
    log.debug(`Looking for what the run left failed: ${describeError(error)}`);
    return 0;
  });
  if (removed === 0) return;
  log.warning(
    `The run's folder was emptied before this job's end: ${removed} container(s) of the run were removed, by what they mount. Fix: keep RUNNER_TEMP as it is during the job; credentials that are elsewhere are still there.`,
  );
}

/** Removes what mounts the run's folder, and what has its label. @returns how many containers that were. */
async function removeUnrecorded(runDirectory: string, exec: Exec): Promise<number> {
  const { run } = readRunFolder(runDirectory);
  let count = 0;
  for (const label of [TORCH_RUN_LABEL, REGISTRY_RUN_LABEL, LOAD_BALANCER_RUN_LABEL]) {
    count += (await removeLabelled(`${label}=${run}`, exec)).length;
  }
  const nodes = findUnrecorded(await listClusterContainers(exec), runDirectory);
  await removeClusterContainers(nodes, exec);
  return count + nodes.length;
}
