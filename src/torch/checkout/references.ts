import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { visit } from "yaml";
import { describeError } from "../../errors.ts";
import { readBounded, SizeError } from "../../inputs/places.ts";
import type { Issue } from "../../values/issue.ts";
import { isWithinFolder } from "../../values/paths.ts";
import { printable } from "../../values/text.ts";
import { describeYamlIssue, readYamlText } from "../../values/yaml.ts";

/** Of each compose file. */
const MAX_COMPOSE_BYTES = 512 * 1024;

/** Compose files that are read for one component, with those that it includes or extends. */
const MAX_FILES = 50;

/** Paths in one compose file, folders at which they may start, and places that are looked at in all. */
const MAX_PATHS = 200;
const MAX_BASES = 50;
const MAX_LOOKS = 10_000;

/** A file that a compose file has compose read, and the key that names it. */
export interface FileReference {
  /** `services.web.env_file`. */
  readonly key: string;
  readonly path: string;
  /** Whether it is a compose file, which may name others. */
  readonly composes: boolean;
}

/** What a compose file has compose read. */
export interface FileReferences {
  readonly files: readonly FileReference[];
  /** The project folders of what is included: paths there, and their `.env`, start at these. */
  readonly folders: readonly { readonly key: string; readonly path: string }[];
}

/** The files that compose itself reads for a compose file; what it mounts is looked at elsewhere. */
export function listReferences(value: unknown): FileReferences {
  const files: FileReference[] = [];
  const folders: { key: string; path: string }[] = [];
  const add = (key: string, paths: readonly string[], composes = false) =>
    files.push(...paths.map((path) => ({ key, path, composes })));
  for (const include of listOf(fieldOf(value, "include"))) {
    add("include", textsOf(include), true);
    add("include.path", textsOf(fieldOf(include, "path")), true);
    add("include.env_file", textsOf(fieldOf(include, "env_file")));
    folders.push(
      ...textsOf(fieldOf(include, "project_directory")).map((path) => ({ key: "include.project_directory", path })),
    );
  }
  for (const [name, service] of entriesOf(fieldOf(value, "services"))) {
    const key = `services.${name}`;
    add(`${key}.extends`, textsOf(fieldOf(fieldOf(service, "extends"), "file")), true);
    for (const field of ["env_file", "label_file"]) {
      for (const each of listOf(fieldOf(service, field))) {
        add(`${key}.${field}`, [...textsOf(each), ...textsOf(fieldOf(each, "path"))]);
      }
    }
  }
  return { files, folders };
}

interface Task {
  readonly file: string;
  /** The folders at which its paths may start, the project's own first. */
  readonly bases: readonly string[];
}

/**
 * Looks at every file that compose would read for a compose file, before compose does: compose follows any path, and puts
 * what it finds there into environments and build arguments.
 */
export async function checkReferences(root: string, composeFile: string): Promise<readonly Issue[]> {
  const realRoot = await realpath(root);
  const issues = new Map<string, Issue>();
  const tasks: Task[] = [{ file: composeFile, bases: [dirname(composeFile)] }];
  const seen = new Set<string>();
  let looks = 0;
  const say = (where: string, reason: string, allowed: string, fix: string) =>
    issues.set(`${where} ${reason}`, { reason: printable(`${where}${reason}`, 500), allowed, fix });

  const checkPath = async (where: string, path: string): Promise<boolean> => {
    looks += 1;
    if (looks > MAX_LOOKS) return false;
    const found = await lookAt(realRoot, path);
    if (found === "file") return true;
    if (found !== "missing") {
      say(
        where,
        `${path}, which ${found}`,
        "files in the checkout",
        "copy the file into the checkout, or leave it out",
      );
    }
    return false;
  };
  for (const folder of tasks[0]?.bases ?? []) await checkPath("has compose read ", join(folder, ".env"));
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const { file, bases } = task;
    const id = [file, ...bases].join("\n");
    if (seen.has(id)) continue;
    seen.add(id);
    const place = relative(root, file);
    if (seen.size > MAX_FILES) {
      sayMany(`includes more than ${MAX_FILES} compose files`);
      break;
    }
    const read = await readCompose(file);
    if ("reason" in read) {
      const name = file === composeFile ? "" : `has the compose file ${place}, which `;
      say(name, read.reason, "compose files that are plain YAML", "fix that file");
      continue;
    }
    const { files, folders } = listReferences(read.value);
    const whole = [...new Set([...bases, dirname(file)])];
    if (files.length + folders.length > MAX_PATHS || whole.length > MAX_BASES || looks > MAX_LOOKS) {
      sayMany(`names more files than are looked at (${place})`);
      break;
    }
    const include = folders.flatMap(({ key, path }) => {
      if (!hasVariable(path)) return whole.map((base) => resolvePath(base, path));
      sayVariable(`has ${key} in ${place}: `, path);
      return [];
    });
    // Of several that are included as one, paths start at the first one's folder.
    const started = files.flatMap(({ path, composes }) =>
      composes && !hasVariable(path) ? [...whole, ...include].map((base) => dirname(resolvePath(base, path))) : [],
    );
    for (const { key, path, composes } of files) {
      const where = `has ${key} in ${place}: `;
      if (hasVariable(path)) {
        sayVariable(where, path);
        continue;
      }
      for (const target of new Set([...whole, ...include].map((base) => resolvePath(base, path)))) {
        if (!(await checkPath(where, target)) || !composes) continue;
        const next = [...new Set([dirname(target), ...include, ...started, ...bases])];
        for (const folder of next) await checkPath(`${where}${path} with `, join(folder, ".env"));
        tasks.push({ file: target, bases: next });
      }
    }
  }
  if (looks > MAX_LOOKS) sayMany(`names more than ${MAX_LOOKS} files`);
  return [...issues.values()];

  function sayMany(reason: string): void {
    say("", reason, "fewer files", "write what they have into one file");
  }

  function sayVariable(where: string, path: string): void {
    const reason = `${path}, a path that depends on a variable`;
    say(where, reason, "paths without a variable", "write the path itself; it is checked before compose reads it");
  }
}

/** What is at a path, for compose to read: the end of `which ...` where it may not. */
async function lookAt(realRoot: string, path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if (!isWithinFolder(realRoot, real)) return "leads out of the checkout";
    // It has the token with which the checkout was fetched.
    if (relative(realRoot, real).split("/").includes(".git")) return "is git's own";
    const found = await stat(real);
    // Of a folder compose reads nothing; a `.env` may be one, with Python's packages.
    if (found.isDirectory()) return "missing";
    return found.isFile() ? "file" : "is not a regular file";
  } catch (error) {
    // What is not there compose does not read either, and says so where it needs it.
    const missing = error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
    return missing ? "missing" : `cannot be read: ${describeError(error)}`;
  }
}

/** Line breaks for compose, which reads YAML 1.1, and none for YAML 1.2: what follows one could be hidden in a comment. */
const OTHER_BREAK = /\r(?!\n)|[\0\u0085\u2028\u2029]/;

async function readCompose(file: string): Promise<{ readonly value: unknown } | { readonly reason: string }> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readBounded(file, MAX_COMPOSE_BYTES));
  } catch (error) {
    if (error instanceof SizeError) return { reason: `is larger than ${MAX_COMPOSE_BYTES} bytes` };
    return { reason: `cannot be read as UTF-8: ${describeError(error)}` };
  }
  if (OTHER_BREAK.test(text)) return { reason: "has a line break that is neither LF nor CRLF, or a NUL" };
  const read = readYamlText(text, { uniqueKeys: false, maxBytes: MAX_COMPOSE_BYTES });
  if ("issues" in read) return { reason: read.issues.slice(0, 3).map(describeYamlIssue).join("; ") };
  let binary = false;
  visit(read.document, {
    Node(_, node) {
      // Compose decodes it, also in a key, so that it would read another name than is read here.
      if ("tag" in node && typeof node.tag === "string" && /binary/i.test(node.tag)) binary = true;
    },
  });
  return binary ? { reason: "has text with the tag !!binary" } : { value: read.value };
}

/** Where compose finds a path. */
function resolvePath(base: string, path: string): string {
  return path.startsWith("~") ? join(homedir(), path.slice(1)) : resolve(base, path);
}

function hasVariable(path: string): boolean {
  return path.includes("$");
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((each) => typeof each === "string");
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
