import { Failure } from "../errors.ts";
import { inputText } from "../values/environment.ts";
import type { Folders } from "../values/paths.ts";

/** The folders that the runner gives a step. @throws Failure outside a runner. */
export function readFolders(environment: NodeJS.ProcessEnv): Folders {
  const workspace = environment.GITHUB_WORKSPACE ?? "";
  const temp = environment.RUNNER_TEMP ?? "";
  if (workspace === "" || temp === "") {
    throw new Failure("GITHUB_WORKSPACE and RUNNER_TEMP are not set: this is not a step of a workflow.", {
      fix: "use the Action in a workflow, or run npm start in its repository",
    });
  }
  return { workspace, temp };
}

/** Whether the job has failed or was cancelled, as the runner says it when post runs. */
export function hasJobFailed(environment: NodeJS.ProcessEnv): boolean {
  return !["", "success"].includes(inputText(environment, "job-status"));
}
