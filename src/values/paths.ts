import { isAbsolute, relative, resolve } from "node:path";
import type { Issue, Parsed } from "./issue.ts";
import { isPrintable } from "./text.ts";

/** Whether a path is a folder or below it; both absolute. `..data` is a name, `..` leads out. */
export function isWithinFolder(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith("../") && !isAbsolute(way);
}

/** What is wrong with a path that is not one line of text. */
export const UNPRINTABLE_PATH: Issue = {
  reason: "contains a line break or a control character",
  allowed: "a path of one line",
  fix: "rename the file or the folder, or write the path on one line",
};

/** A path in one of the roots (relative ones start at the first), as an absolute path. */
export function pathWithin(roots: readonly string[]) {
  return (text: string): Parsed<string> => {
    const path = resolve(roots[0] ?? "/", text);
    if (!isPrintable(text)) return { issue: UNPRINTABLE_PATH };
    if (roots.some((root) => isWithinFolder(root, path))) return { value: path };
    return {
      issue: {
        reason: "leads out of the workspace",
        allowed: "a path in the workspace or in the runner's temporary folder",
        fix: "write a path inside the workspace, relative to it",
      },
    };
  };
}

/** The runner's folders that inputs may point into. */
export interface Folders {
  readonly workspace: string;
  readonly temp: string;
}
