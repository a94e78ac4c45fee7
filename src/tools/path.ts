import { realpath } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { takeBinary } from "./binary.ts";
import type { ToolName } from "./sources.ts";

/**
 * A tool that the machine has in `PATH`, as GitHub's hosted runners have kind and kubectl (actions/runner-images). It is
 * used only if its bytes have the catalog's checksum. It is never started to find out its version: what a file in `PATH`
 * would do is unknown until its bytes are known.
 */

/** More folders than a real `PATH` has; for each a file may have to be read. */
const MAX_FOLDERS = 200;

/** Where a program may be, by `PATH`. Relative folders are left out: they would be those of the workspace. */
export function planSearch(searchPath: string, tool: ToolName): readonly string[] {
  const folders = searchPath.split(delimiter).filter((folder) => isAbsolute(folder) && !folder.includes("\0"));
  return [...new Set(folders.map((folder) => join(folder, tool)))].slice(0, MAX_FOLDERS);
}

/** What a search found. */
export interface PathSearch {
  /** The first that has the checksum. */
  readonly found: string | undefined;
  /** Those before it that have another checksum, in their order. */
  readonly others: readonly string[];
}

/** Copies the tool in `PATH` that has the checksum to a path of the run's. Unlike a shell, it does not stop at the first. */
export async function takeFromPath(
  { tool, checksum }: { readonly tool: ToolName; readonly checksum: string },
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
