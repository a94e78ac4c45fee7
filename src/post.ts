import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { loadRunDirectory } from "./runner/state.ts";
import { hasJobFailed } from "./runner/step.ts";
import { tearDown } from "./teardown.ts";

const runDirectory = loadRunDirectory();
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
