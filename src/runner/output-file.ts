import { addPath, exportVariable, setOutput } from "@actions/core";

/** Sets outputs of the step, by their names. */
export function setOutputs(outputs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
}

/** Puts a folder first in the `PATH` of this step and of those that follow. */
export function prependToPath(folder: string): void {
  addPath(folder);
}

/** Sets an environment variable for this step and for those that follow. */
export function setVariable(name: string, value: string): void {
  exportVariable(name, value);
}
