import { Failure } from "./errors.ts";
import { endProcesses } from "./exec.ts";
import { reportFailure, reportOutcome } from "./report/report.ts";
import { createLog } from "./runner/log.ts";
import { hideEnvironment } from "./runner/mask.ts";
import { readFolders, saveRunDirectory } from "./runner/step.ts";
import { setUp } from "./setup.ts";
import { startTimeline } from "./timeline.ts";

const timeline = startTimeline();
let runDirectory: string | undefined;
let stopping: Promise<never> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopping ??= stop(signal);
  });
}

// Work that nobody waits for any more may still fail: it must not end the step without a report and its clean-up.
process.on("unhandledRejection", (error) => {
  stopping ??= abandon(error);
});

async function abandon(error: unknown): Promise<never> {
  if (runDirectory !== undefined) await endProcesses(runDirectory);
  await reportFailure(error, timeline);
  process.exit(1);
}

/** A cancelled job: GitHub asks first, and kills ten seconds later. Children lead groups of their own and hear nothing. */
async function stop(signal: "SIGINT" | "SIGTERM"): Promise<never> {
  if (runDirectory !== undefined) await endProcesses(runDirectory);
  await reportFailure(new Failure(`The step was stopped (${signal}).`), timeline);
  process.exit(signal === "SIGINT" ? 130 : 143);
}

try {
  const environment = process.env;
  await hideEnvironment(environment);
  const folders = readFolders(environment);
  const remember = (path: string) => {
    runDirectory = path;
    saveRunDirectory(path);
  };
  const outcome = await setUp({ environment, folders, log: createLog(), timeline, saveRunDirectory: remember });
  await reportOutcome(outcome, environment);
} catch (error) {
  // What fails because it is being stopped is not the news; what ran beside it has no use any more.
  if (stopping === undefined && runDirectory !== undefined) await endProcesses(runDirectory);
  await (stopping ?? reportFailure(error, timeline));
}
// An upload or a download that was given up may still hold a socket open.
process.exit();
