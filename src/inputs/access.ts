import type { Stats } from "node:fs";
import { access, constants, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { describeError, errorCode } from "../errors.ts";
import { decodeText } from "../values/data.ts";
import { isInside, readBounded, resolveAhead, SizeError } from "../values/files.ts";
import type { Issue, Parsed } from "../values/issue.ts";
import type { Folders } from "../values/paths.ts";
import { printable } from "../values/text.ts";

/** What is wrong with a file that an input names: it must exist, be inside the runner's folders, and be readable. */
export async function checkFile(path: string, folders: Folders): Promise<Issue | undefined> {
  const allowed = "an existing file in the workspace or in the runner's temporary folder";
  try {
    if (!(await stat(path)).isFile()) return { reason: "is not a file", allowed, fix: "name a file" };
    if (!(await isInside(await realpath(path), [folders.workspace, folders.temp]))) {
      return { reason: "is a link that leads out of the workspace", allowed, fix: "copy the file into the workspace" };
    }
    await access(path, constants.R_OK);
    return undefined;
  } catch (error) {
    if (errorCode(error) === "ENOENT") {
      const fix = "check the path, and that the repository is checked out before this step";
      return { reason: "does not exist", allowed, fix };
    }
    return { reason: `cannot be read: ${describeError(error)}`, allowed, fix: "check the path and its permissions" };
  }
}

/** Reads the text of a file that an input names, unless it is too large to have been written by a person. */
export async function readText(path: string, maxBytes: number, folders: Folders): Promise<Parsed<string>> {
  const issue = await checkFile(path, folders);
  if (issue !== undefined) return { issue };
  try {
    const text = decodeText(await readBounded(path, maxBytes));
    if (text !== undefined) return { value: text };
    return { issue: { reason: "is not UTF-8", allowed: "a file in UTF-8", fix: "save it in UTF-8" } };
  } catch (error) {
    if (!(error instanceof SizeError)) throw error;
    const limit = maxBytes % 1000 === 0 ? `${maxBytes / 1000} kB` : `${maxBytes} bytes`;
    return {
      issue: {
        reason: `is larger than ${limit}`,
        allowed: `a file of at most ${limit}`,
        fix: "name another file, or remove from it what is not needed",
      },
    };
  }
}

/** What is wrong with a directory that need not exist yet: it must not be outside once it is created. */
export async function checkDirectory(directory: string, folders: Folders): Promise<Issue | undefined> {
  const allowed = "a directory in the workspace or in the runner's temporary folder";
  const fix = "name another path";
  try {
    const { real, links } = await resolveAhead(directory);
    if (!(await isInside(real, [folders.workspace, folders.temp]))) {
      return { reason: "is a link that leads out of the workspace", allowed, fix: "name a directory in the workspace" };
    }
    const dangling = await findDangling(links);
    if (dangling !== undefined) {
      return { reason: `leads through the link ${printable(dangling)}, whose target does not exist`, allowed, fix };
    }
    if ((await statNearest(real)).isDirectory()) return undefined;
    return { reason: "is not a directory", allowed, fix };
  } catch (error) {
    return { reason: `cannot be used: ${describeError(error)}`, allowed, fix };
  }
}

/** What is wrong with a checkout's folder; whether it exists is found out where it is read. */
export async function checkCheckoutFolder(path: string, folders: Folders): Promise<Issue | undefined> {
  const { real } = await resolveAhead(path);
  if (await isInside(real, [folders.workspace, folders.temp])) return undefined;
  return {
    reason: `leads out of the workspace through a link, to ${printable(real)}`,
    allowed: "a folder in the workspace or in the runner's temporary folder",
    fix: "check out TORCH-V2 in the workspace",
  };
}

/** The first of some links whose target does not exist. */
async function findDangling(links: readonly string[]): Promise<string | undefined> {
  for (const link of links) {
    if (errorCode(await stat(link).catch((error: unknown) => error)) === "ENOENT") return link;
  }
  return undefined;
}

/** What a path is, or the nearest folder above it that exists. */
async function statNearest(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    return await statNearest(dirname(path));
  }
}
