import { reportFailure, reportOutcome } from "./report.ts";
import { createLog } from "./runner/log.ts";
import { readFolders, saveRunDirectory } from "./runner/step.ts";
import { startTimeline } from "./runner/timeline.ts";
import { setUp } from "./setup.ts";

const timeline = startTimeline();
try {
  const environment = process.env;
  const folders = readFolders(environment);
  const outcome = await setUp({ environment, folders, log: createLog(), timeline, saveRunDirectory });
  await reportOutcome(outcome, environment);
} catch (error) {
  await reportFailure(error, timeline);
}
// An upload or a download that was given up may still hold a socket open.
process.exit();
