import { randomUUID } from "node:crypto";
import { closeRun } from "./exec.ts";
import { installTools, isInstallOnly } from "./install.ts";
import { endProcesses, identifyProcess } from "./leftovers.ts";
import { reportFailure, reportInstallation, reportSuccess } from "./report/report.ts";
import { exitWhenPrinted } from "./runner/exit.ts";
import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { checkCommandFiles } from "./runner/output-file.ts";
import { endWhenStopped } from "./runner/signals.ts";
import { saveMain, saveRunDirectory } from "./runner/state.ts";
import { readFolders } from "./runner/step.ts";
import { setUp } from "./setup.ts";
import { startTimeline } from "./timeline.ts";

const environment = process.env;
const timeline = startTimeline();
/** What the machine is inspected with has no run's folder yet: a mark of its own. */
const inspection = `inspection-${randomUUID()}`;
let runDirectory: string | undefined;
const fail = async (error: unknown) => {
  // What ran beside it has no use any more.
  const runs = [inspection, ...(runDirectory === undefined ? [] : [runDirectory])];
  for (const run of runs) closeRun(run);
  await Promise.all(runs.map(endProcesses));
  await reportFailure(error, timeline);
};
const stopping = endWhenStopped(fail);
try {
  checkCommandFiles(environment);
  saveMain(identifyProcess(process.pid));
  await hideEnvironment(environment);
  const remember = (path: string) => {
    runDirectory = path;
    saveRunDirectory(path);
  };
  const folders = readFolders(environment);
  const runner = { environment, folders, inspection, log: createLog(), timeline, saveRunDirectory: remember };
  if (isInstallOnly(environment)) await reportInstallation(await installTools(runner));
  else await reportSuccess(await setUp(runner), environment);
} catch (error) {
  // What fails because the step is being stopped is not the news.
  await (stopping() ?? fail(error));
}
// An upload or a download that was given up may still hold a socket open.
await exitWhenPrinted();
