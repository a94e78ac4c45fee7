import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

const PREFIX = "kind-torch-";

/** Whether a path is one that a run's folder has: what is there is removed, so it must not be anything else. */
export function isRunFolder(path: string, temp: string): boolean {
  return dirname(path) === resolve(temp) && /^kind-torch-[a-z0-9.-]+$/.test(basename(path));
}

/** What the name of a run's folder says: the run as its labels name it (`<cluster>-<id>`), and its id. */
export function readRunFolder(path: string): { readonly run: string; readonly id: string } {
  const run = basename(path).slice(PREFIX.length);
  return { run, id: run.slice(run.lastIndexOf("-") + 1) };
}

/** Creates the run's folder, for its owner alone. @throws where it exists: someone else has prepared it. */
export async function makeRunFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
}

/**
 * Gives a program what it reads as a file of the run's folder, which only its owner can read, and removes the file when
 * the program has ended. Programs get no standard input (docs/adr/0001-starting-programs.md).
 * @param name the file's name; what some programs take for the format is its extension.
 */
export async function withRunFile<T>(
  runFolder: string,
  { name, text }: { readonly name: string; readonly text: string },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(runFolder, `${randomUUID()}-${name}`);
  await writeFile(path, text, { mode: 0o600, flag: "wx" });
  try {
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}
