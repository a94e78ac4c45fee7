import { describeError } from "./errors.ts";
import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { loadMain, loadRunDirectory } from "./runner/state.ts";
import { hasJobFailed, readFolders } from "./runner/step.ts";
import { tearDown } from "./teardown.ts";
import { endUnfinished } from "./unfinished.ts";

/** The run's folder as the runner knows it, or as a main that it could not stop has made it; empty where there is none. */
async function findRunDirectory(): Promise<string> {
  const saved = loadRunDirectory();
  const main = loadMain();
  if (saved !== "" || main === undefined) return saved;
  return (await endUnfinished(main, readFolders(process.env).temp)) ?? "";
}

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
process.exit(0);
