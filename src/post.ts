import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { loadMain, loadRunDirectory } from "./runner/state.ts";
import { hasJobFailed, readFolders } from "./runner/step.ts";
import { tearDown } from "./teardown.ts";
import { endUnfinished } from "./unfinished.ts";

const main = loadMain();
const saved = loadRunDirectory();
const runDirectory =
  saved === "" && main !== undefined ? await endUnfinished(main, readFolders(process.env).temp) : saved;
if (runDirectory !== undefined && runDirectory !== "") {
  await hideEnvironment(process.env);
  await tearDown({
    runDirectory,
    environment: process.env,
    jobFailed: hasJobFailed(process.env),
    log: createLog(),
  });
}
process.exit(0);
