import * as core from "@actions/core";
import { Failure } from "../errors.ts";
import type { Folders } from "../inputs/inputs.ts";
import { inputText } from "../inputs/inputs.ts";
import { byteLength, type Markdown, SUMMARY_BYTES } from "../report/markdown.ts";

/** The folders that the runner gives a step. @throws Failure outside a runner. */
export function readFolders(environment: NodeJS.ProcessEnv): Folders {
  const workspace = environment.GITHUB_WORKSPACE ?? "";
  const temp = environment.RUNNER_TEMP ?? "";
  if (workspace === "" || temp === "") {
    throw new Failure("GITHUB_WORKSPACE and RUNNER_TEMP are not set: this is not a workflow's step.", {
      fix: "run it in a workflow, or with npm start in the Action's repository",
    });
  }
  return { workspace, temp };
}

/** Hands the run's folder to post, through the runner's state. */
export function saveRunDirectory(path: string): void {
  core.saveState("run-directory", path);
}

/** The run's folder as main saved it; empty where main did not come so far. */
export function loadRunDirectory(): string {
  return core.getState("run-directory");
}

/** Whether the job has failed or was cancelled, as the runner says it when post runs. */
export function hasJobFailed(environment: NodeJS.ProcessEnv): boolean {
  return !["", "success"].includes(inputText(environment, "job-status"));
}

/** How many bytes this step has written to its summary. GitHub drops all of it where together they are too many. */
let written = 0;

/** How many bytes may still be written to this step's summary. */
export function summaryRoom(): number {
  return Math.max(0, SUMMARY_BYTES - written);
}

/**
 * Adds to the job's summary: only what the Markdown module made, so that all text of others is escaped. What does not
 * fit is left out.
 */
export async function writeSummary(markdown: Markdown): Promise<void> {
  const bytes = byteLength(markdown.toString());
  if (bytes > summaryRoom()) return;
  written += bytes;
  // A runner without a summary (act, old GitHub Enterprise Servers) is no reason to fail.
  await core.summary
    .addRaw(markdown.toString())
    .write()
    .catch((error) => core.debug(String(error)));
}
