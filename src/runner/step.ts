import * as core from "@actions/core";
import { Failure } from "../failure.ts";
import type { Folders } from "../inputs/inputs.ts";
import { inputText } from "../inputs/inputs.ts";
import type { Markdown } from "../report/markdown.ts";

/** The folders that the runner gives a step. @throws Failure outside a runner. */
export function readFolders(environment: NodeJS.ProcessEnv): Folders {
  const workspace = environment.GITHUB_WORKSPACE ?? "";
  const temp = environment.RUNNER_TEMP ?? "";
  if (workspace === "" || temp === "") {
    throw new Failure("GITHUB_WORKSPACE and RUNNER_TEMP are not set: this is not a workflow's step.", {
      cure: "run it in a workflow, or with npm start in the Action's repository",
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

/** Adds to the job's summary: only what the Markdown module made, so that all text of others is escaped. */
export async function writeSummary(markdown: Markdown): Promise<void> {
  // A runner without a summary (act, old GitHub Enterprise Servers) is no reason to fail.
  await core.summary
    .addRaw(markdown.toString())
    .write()
    .catch((error) => core.debug(String(error)));
}
