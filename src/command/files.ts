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
  readonly unmatched: readonly string[];
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
  const outside = new Set<string>();
  const unmatched: string[] = [];
  const found = (more: boolean) => ({ files: [...files].toSorted(), unmatched, outside: outside.size, more });
  for (const pattern of patterns) {
    let matched = false;
    for await (const path of matches(workspace, root, pattern)) {
      const place = await findPlace(path, root);
      if (place === undefined) continue;
      matched = true;
      if (place === "outside") outside.add(path);
      else if (files.size < most || files.has(path)) files.add(path);
      else return found(true);
    }
    if (!matched) unmatched.push(pattern);
  }
  return found(false);
}

/** What a pattern matches, and what is in the folders among it; some of it more than once. */
async function* matches(workspace: string, root: string, pattern: string): AsyncGenerator<string> {
  const isGit = (path: string) => isWithinFolder(join(workspace, ".git"), path);
  for await (const path of glob(pattern, { cwd: workspace, exclude: isGit })) {
    for (const each of [path, ...(await readFolder(path, root))]) if (!isGit(each)) yield each;
  }
}

/** The files below a folder that is in the workspace; none where it is not such a folder. */
async function readFolder(path: string, root: string): Promise<readonly string[]> {
  try {
    if (!isWithinFolder(root, await realpath(path))) return [];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (["ENOTDIR", "ENOENT", "EACCES", "ELOOP"].includes(errorCode(error) ?? "")) return [];
    throw error;
  }
}

/** Where a regular file really is; `undefined` where there is none. */
async function findPlace(path: string, root: string): Promise<"inside" | "outside" | undefined> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return undefined;
  return isWithinFolder(root, await realpath(path)) ? "inside" : "outside";
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
