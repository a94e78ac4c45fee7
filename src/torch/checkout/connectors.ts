import { glob, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "../../inputs/places.ts";

/** Files larger than this are no list of some connectors. */
const MAX_CHARACTERS = 100_000;

/** More files of that name than this are not looked at. */
const MAX_FILES = 50;

/**
 * The names by which the broker looks for its connectors: its `services.json`, a list of objects with a `name`, in the
 * service layer's folder. `undefined` where there is none in this form, or several that differ.
 */
export async function listConnectors(folder: string): Promise<readonly string[] | undefined> {
  const lists: (readonly string[] | undefined)[] = [];
  const exclude = (name: string) => /(?:^|\/)(?:node_modules|target|\.git)$/.test(name);
  for await (const path of glob("**/services.json", { cwd: folder, exclude })) {
    if (lists.length === MAX_FILES) return undefined;
    lists.push(parseConnectors(await readWithin(folder, path).catch(() => "")));
  }
  const [first, ...others] = lists;
  return others.every((list) => list?.join("\n") === first?.join("\n")) ? first : undefined;
}

/** Reads a regular file of a folder: no device or pipe, and nothing outside that a link leads to. */
async function readWithin(folder: string, path: string): Promise<string> {
  const real = await realpath(join(folder, path));
  if (!real.startsWith(`${await realpath(folder)}/`) || !(await stat(real)).isFile()) return "";
  return (await readBounded(real, MAX_CHARACTERS)).toString();
}

/** Reads the names in a `services.json`; `undefined` where it has another form than version 1's. */
export function parseConnectors(text: string): readonly string[] | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const names = list.flatMap((entry: unknown) =>
    typeof entry === "object" && entry !== null && "name" in entry && typeof entry.name === "string"
      ? [entry.name]
      : [],
  );
  return names.length === list.length && names.length > 0 ? names : undefined;
}

/** Whether the broker has found every connector that is listed: it calls each by a name that ends in the listed one. */
export function hasFoundAll(found: readonly string[], listed: readonly string[] | undefined): boolean {
  if (listed === undefined || found.length !== listed.length) return false;
  return listed.every((name) => found.some((each) => each.endsWith(name)));
}
