import { KIND_CLUSTER_LABEL } from "./docker/labels.ts";
import { describeError } from "./errors.ts";
import { isRunFolder } from "./run-folder.ts";
import { exitWhenPrinted } from "./runner/exit.ts";
import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { continueWhenStopped } from "./runner/signals.ts";
import { loadMain, loadRunDirectory } from "./runner/state.ts";
import { hasJobFailed, readFolders } from "./runner/step.ts";
import { tearDown } from "./teardown.ts";
import { endUnfinished } from "./unfinished.ts";

/** The run's folder as the runner knows it, or as a main that it could not stop has made it; empty where there is none. */
async function findRunDirectory(): Promise<string> {
  const saved = loadRunDirectory();
  if (saved !== "") return checkRunDirectory(saved);
  const main = loadMain();
  if (main === undefined) return "";
  return (await endUnfinished(main, readFolders(process.env).temp)) ?? "";
}

/** Post removes that folder whatever is in it. */
function checkRunDirectory(saved: string): string {
  if (isRunFolder(saved, process.env.RUNNER_TEMP ?? "")) return saved;
  createLog().warning(
    `The step's state names ${saved}, which is not a folder of a run in RUNNER_TEMP: nothing was removed. Fix: keep RUNNER_TEMP as it is during the job, and remove by hand what docker ps --all --filter label=${KIND_CLUSTER_LABEL} shows of this job.`,
  );
  return "";
}

continueWhenStopped((signal) => createLog().info(`${signal}: what this run created is removed all the same`));

// Whatever it finds, post does not fail the job.
const runDirectory = await findRunDirectory().catch((error: unknown) => {
  createLog().warning(`Looking for a run that was stopped early failed: ${describeError(error)}`);
  return "";
});
if (runDirectory !== "") {
  await hideEnvironment(process.env);
  await tearDown({
    runDirectory,
    environment: process.env,
    jobFailed: hasJobFailed(process.env),
    log: createLog(),
  });
}
await exitWhenPrinted(0);
