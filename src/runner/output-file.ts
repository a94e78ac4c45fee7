import { accessSync, closeSync, constants, openSync } from "node:fs";
import { addPath, exportVariable, setOutput } from "@actions/core";
import { describeError, Failure } from "../errors.ts";

/** The variables by which the runner names the files that a step writes for it. A summary is no reason to fail. */
const FILES = ["GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_PATH"] as const;

/** Sees that the step can write what the runner reads: it would fail when all its work is done. @throws Failure */
export function checkCommandFiles(environment: NodeJS.ProcessEnv): void {
  for (const name of FILES) {
    const path = environment[name] ?? "";
    // Where a runner names no file, the toolkit prints commands.
    if (path === "") continue;
    write(name, path, () => {
      accessSync(path, constants.W_OK);
      closeSync(openSync(path, constants.O_WRONLY | constants.O_APPEND));
    });
  }
}

/** Sets outputs of the step, by their names. */
export function setOutputs(outputs: Readonly<Record<string, string>>): void {
  write("GITHUB_OUTPUT", process.env.GITHUB_OUTPUT, () => {
    for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
  });
}

/** Puts a folder first in the `PATH` of this step and of those that follow. */
export function prependToPath(folder: string): void {
  write("GITHUB_PATH", process.env.GITHUB_PATH, () => addPath(folder));
}

/** Sets an environment variable for this step and for those that follow. */
export function setVariable(name: string, value: string): void {
  write("GITHUB_ENV", process.env.GITHUB_ENV, () => exportVariable(name, value));
}

function write(variable: (typeof FILES)[number], path: string | undefined, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new Failure(`The runner's file ${variable} (${path}) cannot be written: ${describeError(error)}`, {
      fix: "the runner makes this file for each step: see that its disk has free space, that it is there, and that the step's user may write to it",
      cause: error,
    });
  }
}
