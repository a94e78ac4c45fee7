import { glob, readdir, realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { errorCode } from "../errors.ts";
import { isWithinFolder } from "../values/paths.ts";

/** Held by this module alone: what may be kept is chosen here. */
const CHOSEN = Symbol("chosen");

/** Files of the workspace that the caller asked to keep. */
export interface CallerFiles {
  readonly [CHOSEN]: true;
  readonly directory: string;
  readonly files: readonly string[];
}

/** What patterns match. */
export interface FoundFiles {
  readonly files: readonly string[];
  /** The patterns that match no file. */
  readonly vain: readonly string[];
  /** How many files were not taken, because they are links that lead out of the workspace. */
  readonly outside: number;
  /** Whether there are more than `most`. */
  readonly more: boolean;
}

/**
 * The regular files that patterns match, in order; a folder stands for everything in it. A checkout's own `.git` is left
 * out, and so is what a link leads to outside of the workspace: the command ran code of others.
 */
export async function findFiles(workspace: string, patterns: readonly string[], most: number): Promise<FoundFiles> {
  const root = await realpath(workspace);
  const files = new Set<string>();
  const vain: string[] = [];
  let outside = 0;
  for (const pattern of patterns) {
    let matched = false;
    for await (const path of matches(workspace, pattern)) {
      const place = await realFile(path);
      if (place === undefined) continue;
      matched = true;
      if (!isWithinFolder(root, place)) outside += 1;
      else if (files.size < most || files.has(path)) files.add(path);
      else return { files: [...files].toSorted(), vain, outside, more: true };
    }
    if (!matched) vain.push(pattern);
  }
  return { files: [...files].toSorted(), vain, outside, more: false };
}

async function* matches(workspace: string, pattern: string): AsyncGenerator<string> {
  const exclude = (path: string) => path === join(workspace, ".git") || path === ".git";
  for await (const path of glob(pattern, { cwd: workspace, exclude })) {
    yield path;
    for (const entry of await readFolder(path)) yield entry;
  }
}

/** The files below a folder; none where it is not one. */
async function readFolder(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (["ENOTDIR", "ENOENT", "EACCES", "ELOOP"].includes(errorCode(error) ?? "")) return [];
    throw error;
  }
}

/** Where a regular file really is; `undefined` where there is none. */
async function realFile(path: string): Promise<string | undefined> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  return isFile ? await realpath(path) : undefined;
}

/** What an artifact cannot have in the name of a file (`@actions/artifact`, path-and-artifact-name-validation). */
const REFUSED_NAME = /["<>|*?:\r\n]/;

/** The files as those of an artifact. @returns them, and how many have names that an artifact cannot have. */
export function chooseFiles(
  workspace: string,
  files: readonly string[],
): { readonly content: CallerFiles; readonly refused: number } {
  const chosen = files.filter((path) => !REFUSED_NAME.test(relative(workspace, path)));
  return {
    content: { [CHOSEN]: true, directory: workspace, files: chosen },
    refused: files.length - chosen.length,
  };
}
