import * as core from "@actions/core";
import { number, object, string } from "valibot";
import type { ProcessIdentity } from "../leftovers.ts";
import { readJson } from "../values/json.ts";

/** Passes the run's folder to post, through the runner's state. */
export function saveRunDirectory(path: string): void {
  core.saveState("run-directory", path);
}

/** The run's folder as main saved it; empty if main did not get that far. */
export function loadRunDirectory(): string {
  return core.getState("run-directory");
}

/** Passes main's process to post, before anything else. */
export function saveMain(main: ProcessIdentity | undefined): void {
  if (main !== undefined) core.saveState("main", JSON.stringify(main));
}

/** Main's process as it passed it; `undefined` where it did not get that far. */
export function loadMain(): ProcessIdentity | undefined {
  const saved = core.getState("main");
  return saved === "" ? undefined : readJson(object({ pid: number(), start: string() }), saved);
}
