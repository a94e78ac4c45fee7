import { installTools, isInstallOnly } from "./install.ts";
import { endProcesses, identifyProcess } from "./leftovers.ts";
import { reportFailure, reportInstallation, reportSuccess } from "./report/report.ts";
import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { endWhenStopped } from "./runner/signals.ts";
import { saveMain, saveRunDirectory } from "./runner/state.ts";
import { readFolders } from "./runner/step.ts";
import { setUp } from "./setup.ts";
import { startTimeline } from "./timeline.ts";

const environment = process.env;
const timeline = startTimeline();
let runDirectory: string | undefined;
const fail = async (error: unknown) => {
  // What ran beside it has no use any more.
  if (runDirectory !== undefined) await endProcesses(runDirectory);
  await reportFailure(error, timeline);
};
const stopping = endWhenStopped(fail);
try {
  saveMain(identifyProcess(process.pid));
  await hideEnvironment(environment);
  const remember = (path: string) => {
    runDirectory = path;
    saveRunDirectory(path);
  };
  const folders = readFolders(environment);
  const runner = { environment, folders, log: createLog(), timeline, saveRunDirectory: remember };
  if (isInstallOnly(environment)) await reportInstallation(await installTools(runner));
  else await reportSuccess(await setUp(runner), environment);
} catch (error) {
  // What fails because the step is being stopped is not the news.
  await (stopping() ?? fail(error));
}
// An upload or a download that was given up may still hold a socket open.
process.exit();
