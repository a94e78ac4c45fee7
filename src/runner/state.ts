import * as core from "@actions/core";

/** Passes the run's folder to post, through the runner's state. */
export function saveRunDirectory(path: string): void {
  core.saveState("run-directory", path);
}

/** The run's folder as main saved it; empty if main did not get that far. */
export function loadRunDirectory(): string {
  return core.getState("run-directory");
}
