import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { describeError, errorCode } from "../../errors.ts";
import { realPathInside } from "../../values/files.ts";
import type { Issue } from "../../values/issue.ts";
import { printable } from "../../values/text.ts";
import { readComposeFile } from "./compose-file.ts";
import { type FileReference, listReferences } from "./references.ts";

/** Compose files that are read for one component, with those that it includes or extends. */
const MAX_FILES = 50;

/** Paths in one compose file, folders at which they may start, and places that are looked at in total. */
const MAX_PATHS = 200;
const MAX_BASES = 50;
const MAX_LOOKS = 10_000;

/** A compose file that compose would read. */
interface ComposeFile {
  readonly file: string;
  /** The folders at which its paths may start, the project's own first. */
  readonly bases: readonly string[];
}

/** The state of a check: where it looks, what it found, and how often it has looked. */
interface Search {
  readonly root: string;
  readonly realRoot: string;
  readonly first: string;
  /** By place and reason, so that each is reported once. */
  readonly issues: Map<string, Issue>;
  looks: number;
}

/**
 * Looks at every file that compose would read for a compose file, before compose does: compose follows any path, and puts
 * what it finds there into environments and build arguments.
 */
export async function checkReferences(root: string, composeFile: string): Promise<readonly Issue[]> {
  const realRoot = await realpath(root);
  const search: Search = { root, realRoot, first: composeFile, issues: new Map(), looks: 0 };
  const folder = dirname(composeFile);
  await checkPath(search, "makes compose read ", join(folder, ".env"));
  const queue: ComposeFile[] = [{ file: composeFile, bases: [folder] }];
  const seen = new Set<string>();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const id = [next.file, ...next.bases].join("\n");
    if (seen.has(id)) continue;
    seen.add(id);
    if (seen.size > MAX_FILES) {
      noteExcess(search, `includes more than ${MAX_FILES} compose files`);
      break;
    }
    const named = await checkComposeFile(search, next);
    if (named === "too many") break;
    queue.push(...named);
  }
  if (search.looks > MAX_LOOKS) noteExcess(search, `names more than ${MAX_LOOKS} files`);
  return [...search.issues.values()];
}

/** Looks at what one compose file names. @returns the compose files among that. */
async function checkComposeFile(
  search: Search,
  { file, bases }: ComposeFile,
): Promise<readonly ComposeFile[] | "too many"> {
  const place = relative(search.root, file);
  const read = await readComposeFile(file);
  if ("reason" in read) {
    const name = file === search.first ? "" : `has the compose file ${place}, which `;
    note(search, name, { reason: read.reason, allowed: "compose files that are plain YAML", fix: "fix that file" });
    return [];
  }
  const { files, folders } = listReferences(read.value);
  const own = [...new Set([...bases, dirname(file)])];
  if (files.length + folders.length > MAX_PATHS || own.length > MAX_BASES || search.looks > MAX_LOOKS) {
    noteExcess(search, `names more files than are checked (${place})`);
    return "too many";
  }
  const include = folders.flatMap(({ key, path }) => {
    if (!hasVariable(path)) return own.map((base) => resolvePath(base, path));
    noteVariable(search, `has ${key} in ${place}: `, path);
    return [];
  });
  const starts = [...own, ...include];
  // If several files are included as one, their paths start at the folder of the first.
  const started = files
    .filter(({ path, composes }) => composes && !hasVariable(path))
    .flatMap(({ path }) => starts.map((base) => dirname(resolvePath(base, path))));
  const named: ComposeFile[] = [];
  for (const reference of files) {
    const where = `has ${reference.key} in ${place}: `;
    for (const target of await checkReference(search, where, reference, starts)) {
      const next = [...new Set([dirname(target), ...include, ...started, ...bases])];
      for (const folder of next) await checkPath(search, `${where}${reference.path} with `, join(folder, ".env"));
      named.push({ file: target, bases: next });
    }
  }
  return named;
}

/** Looks at every place that a reference may lead to. @returns those that are compose files. */
async function checkReference(
  search: Search,
  where: string,
  { path, composes }: FileReference,
  starts: readonly string[],
): Promise<readonly string[]> {
  if (hasVariable(path)) {
    noteVariable(search, where, path);
    return [];
  }
  const found: string[] = [];
  for (const target of new Set(starts.map((base) => resolvePath(base, path)))) {
    if ((await checkPath(search, where, target)) && composes) found.push(target);
  }
  return found;
}

/** Notes what is wrong with a path. @returns whether it is a file that compose may read. */
async function checkPath(search: Search, where: string, path: string): Promise<boolean> {
  search.looks += 1;
  if (search.looks > MAX_LOOKS) return false;
  const found = await lookAt(search.realRoot, path);
  if (found === "file" || found === "nothing") return found === "file";
  const fix = "copy the file into the checkout, or remove the reference";
  note(search, where, { reason: `${path}, which ${found}`, allowed: "files in the checkout", fix });
  return false;
}

/** What compose would read at a path; if it must not, how a sentence goes on after `which`. */
async function lookAt(realRoot: string, path: string): Promise<string> {
  try {
    const real = await realPathInside(path, [realRoot]);
    if (real === undefined) return "leads out of the checkout";
    // Git's folder has the token with which the checkout was fetched.
    if (relative(realRoot, real).split("/").includes(".git")) return "is git's own";
    const found = await stat(real);
    // Compose reads nothing from a folder; a `.env` may be one, with Python's packages.
    if (found.isDirectory()) return "nothing";
    return found.isFile() ? "file" : "is not a regular file";
  } catch (error) {
    // Compose does not read what does not exist either, and reports it if it needs it.
    const missing = ["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "");
    return missing ? "nothing" : `cannot be read: ${describeError(error)}`;
  }
}

/** Where compose looks for a path. */
function resolvePath(base: string, path: string): string {
  return path.startsWith("~") ? join(homedir(), path.slice(1)) : resolve(base, path);
}

function hasVariable(path: string): boolean {
  return path.includes("$");
}

function noteVariable(search: Search, where: string, path: string): void {
  note(search, where, {
    reason: `${path}, which depends on a variable`,
    allowed: "paths without a variable",
    fix: "write the path itself; it is checked before compose reads it",
  });
}

function noteExcess(search: Search, reason: string): void {
  note(search, "", { reason, allowed: "fewer files", fix: "write their content into one file" });
}

function note({ issues }: Search, where: string, issue: Issue): void {
  const reason = `${where}${issue.reason}`;
  issues.set(`${where} ${issue.reason}`, { ...issue, reason: printable(reason, 500) });
}
