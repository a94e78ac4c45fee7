import { describeError, describeProblems, InputError, withSystemFix } from "../errors.ts";
import { createLog, failStep } from "../runner/log.ts";
import { withoutSecrets } from "../runner/mask.ts";
import { summaryRoom, writeSummary } from "../runner/summary-file.ts";
import type { Timeline } from "../timeline.ts";
import { type Installation, renderInstallation, renderInstallationLog } from "./installation.ts";
import { renderLog } from "./log-summary.ts";
import { publishOutputs, publishTools } from "./outputs.ts";
import type { Results } from "./results.ts";
import { renderFailure, renderSummary } from "./summary.ts";

/** What is kept free in the summary for a failure. */
const FAILURE_BYTES = 64 * 1024;

/** Sets the outputs and tells the reader, in the log and in the job's summary. */
export async function reportSuccess({ outputs, report }: Results, environment: NodeJS.ProcessEnv): Promise<void> {
  const log = createLog();
  publishOutputs(outputs, environment);
  log.startGroup("Summary");
  for (const line of renderLog(report)) log.plain(line);
  log.endGroup();
  // A step that is stopped after this has a failure to add.
  await writeSummary(renderSummary(report, summaryRoom() - FAILURE_BYTES));
}

/** The same of a step that only installs kind and kubectl. */
export async function reportInstallation(installation: Installation): Promise<void> {
  const log = createLog();
  publishTools(installation.outputs);
  log.startGroup("Summary");
  for (const line of renderInstallationLog(installation)) log.plain(line);
  log.endGroup();
  await writeSummary(renderInstallation(installation, summaryRoom() - FAILURE_BYTES));
}

/** Fails the step with what is wrong and what to do; a list of input problems gets a line each. */
export async function reportFailure(error: unknown, timeline: Timeline): Promise<void> {
  createLog().endGroup();
  timeline.stop();
  // Before it is escaped for the summary: what is escaped would not be known for a secret any more.
  const message = withoutSecrets(
    error instanceof InputError
      ? [
          `${error.problems.length} problem(s) with the inputs. Nothing was changed.`,
          describeProblems(error.problems),
        ].join("\n")
      : describeError(withSystemFix(error)),
  );
  failStep(message);
  if (error instanceof Error && error.stack !== undefined) createLog().debug(error.stack);
  await writeSummary(renderFailure(message, timeline.phases, summaryRoom()));
}
