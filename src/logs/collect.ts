import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { selectOwn } from "../cluster/ownership.ts";
import { listClusterContainers } from "../docker/cluster-containers.ts";
import { describeError } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import type { Journal } from "../journal.ts";
import { hasArtifactService, uploadArtifact } from "../runner/artifact.ts";
import type { Log } from "../runner/log.ts";
import { collectApplicationLogs } from "./applications.ts";
import { type LogFolder, makeLogFolder, openLogFolder } from "./folder.ts";
import { collectBalancerLogs } from "./load-balancers.ts";
import { collectNodeLogs } from "./nodes.ts";
import { collectTorchLogs } from "./torch.ts";

/** What removes things waits no longer than this for what is collected before, in seconds. */
const COLLECT_SECONDS = 120;

/** Limits all commands to a time, given as `performance.now()` gives it; then none is started any more. */
export function limitExec(exec: Exec, end: number): Exec {
  return async (command) => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      const outcome = { exitCode: undefined, stdout: "", stderr: "" };
      throw new CommandError(`${command.purpose}: not done, because the time for it is over`, outcome);
    }
    return await exec({ ...command, timeoutSeconds: Math.min(command.timeoutSeconds, left) });
  };
}

/** What a collection works with. */
export interface Collection {
  readonly journal: Journal;
  readonly runDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly exec: Exec;
  readonly log: Log;
}

/** Collects the logs of a run's nodes, load balancers and TORCH-V2, and uploads them. */
export async function collectLogs(collection: Collection): Promise<void> {
  const { journal, exec, log, runDirectory } = collection;
  const { state } = journal;
  const own = selectOwn(await listClusterContainers(exec, state.cluster), state);
  // Beside the run's folder, which goes away: where no service takes the logs, they stay.
  const path = state.logsFolder ?? (await makeLogFolder(dirname(runDirectory), state.logsArtifactName));
  journal.update({ logsFolder: path });
  const content = openLogFolder(path, [], state.failedLogs);
  const end = performance.now() + COLLECT_SECONDS * 1000;
  const limited = limitExec(exec, end);
  const isOver = () => performance.now() > end;
  let ofTorch = 0;
  try {
    const reading = { folder: content, exec: limited, runDirectory };
    const missing = [
      ...(await collectNodeLogs(own, content, limited)),
      // A short time each: what a cluster of an earlier step does not answer is left out.
      ...(await collectApplicationLogs(state, reading)),
    ];
    for (const each of missing) log.info(`Not all logs could be collected: ${each}`);
    if (state.loadBalancer !== undefined) await collectBalancerLogs(state.loadBalancer.label, content, limited);
    if (state.torch !== undefined) ofTorch = await collectTorchLogs(state.torch, content, limited, isOver);
  } catch (error) {
    log.warning(`Not all logs could be collected: ${describeError(error)}`);
  }
  if (isOver()) log.warning(`Collecting logs timed out after ${COLLECT_SECONDS} s: some of them are missing.`);
  if (own.length === 0 && ofTorch === 0 && !state.failedTries) {
    log.info("There is no container of this run to collect logs from");
    await rm(path, { recursive: true, force: true });
    return;
  }
  await publishLogs(content, collection);
}

/** Uploads the collected logs; where that cannot be done, they stay where they are. */
async function publishLogs(content: LogFolder, { journal, environment, log }: Collection): Promise<void> {
  const { path } = content;
  const { state } = journal;
  if (!hasArtifactService(environment)) {
    log.info(`The logs are in ${path} (no artifact service on this runner)`);
    return;
  }
  const request = { name: state.logsArtifactName, content, retentionDays: state.artifactRetentionDays };
  try {
    const artifact = await uploadArtifact(request, environment);
    await rm(path, { recursive: true, force: true });
    log.info(`The logs are in the artifact ${artifact.name}: ${artifact.url}`);
  } catch (error) {
    log.warning(`${describeError(error)} The logs stay in ${path}.`);
  }
}
