import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStep, type StepFolders, type StepRequest } from "../../scripts/local/runner.ts";

/** A folder for one test, with everything that a runner gives a step. */
export interface Place {
  readonly root: string;
  readonly folders: StepFolders;
}

export async function makePlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-contract-"));
  const folders = { workspace: join(root, "workspace"), temp: join(root, "temp"), toolCache: join(root, "tools") };
  await Promise.all(Object.values(folders).map((folder) => mkdir(folder)));
  return { root, folders };
}

/** Runs main with inputs that it must refuse before it changes anything. @returns the lines of its one error. */
export async function refused(
  { folders }: Place,
  inputs: Readonly<Record<string, string>>,
  more: Partial<StepRequest> = {},
): Promise<readonly string[]> {
  const result = await runStep({ entry: "main", folders, inputs, ...more });
  assert.equal(result.exitCode, 1, result.log.join("\n"));
  const errors = result.log.filter((line) => line.startsWith("::error::"));
  assert.equal(errors.length, 1, "one report");
  assert.deepEqual(result.outputs, {}, "no output");
  assert.deepEqual(Object.keys(result.state), ["main"], "nothing for post to do but to see that main is gone");
  assert.deepEqual(await readdir(folders.toolCache), [], "nothing downloaded");
  const left = (await readdir(folders.temp)).filter((name) => name !== "_runner_file_commands");
  assert.deepEqual(left, [], "nothing made");
  assert.match(result.summary, /was not set up/);
  return (errors[0] ?? "").replaceAll("%0A", "\n").split("\n");
}
