import { realpath } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { takeBinary } from "./binary.ts";
import type { ToolName } from "./sources.ts";

/**
 * A tool that the machine has in `PATH`, as GitHub's hosted runners have kind and kubectl (actions/runner-images). It is
 * used only where its bytes have the catalog's checksum. It is never started to ask for its version: which version a
 * run needs is decided before, and what a file in `PATH` would do is not known before its bytes are.
 */

/** More folders in `PATH` than a machine has; each may cost the reading of a file. */
const MAX_FOLDERS = 200;

/** Where a program may lie, by `PATH`. What is not absolute would be looked for in the workspace: left out. */
export function planSearch(searchPath: string, tool: ToolName): readonly string[] {
  const folders = searchPath.split(delimiter).filter((folder) => isAbsolute(folder) && !folder.includes("\0"));
  return [...new Set(folders.map((folder) => join(folder, tool)))].slice(0, MAX_FOLDERS);
}

/** What a search found. */
export interface PathSearch {
  /** The one that has the checksum. */
  readonly found: string | undefined;
  /** Those before it that have another one, in their order. */
  readonly others: readonly string[];
}

/** Copies the tool in `PATH` that has the checksum to a path of the run's. Unlike a shell, it looks past a first match. */
export async function takeFromPath(
  tool: ToolName,
  checksum: string,
  searchPath: string,
  path: string,
  debug: (line: string) => void,
): Promise<PathSearch> {
  const seen = new Set<string>();
  const others: string[] = [];
  for (const candidate of planSearch(searchPath, tool)) {
    // On most systems /bin is /usr/bin.
    const file = await realpath(candidate).catch(() => undefined);
    if (file === undefined || seen.has(file)) continue;
    seen.add(file);
    const result = await takeBinary(file, checksum, path);
    if (result === "taken") return { found: candidate, others };
    if (result === "different") others.push(candidate);
    debug(`${candidate} is not used: it does not have the catalog's SHA-256 ${checksum}.`);
  }
  return { found: undefined, others };
}
