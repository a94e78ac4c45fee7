import { glob, stat } from "node:fs/promises";
import { join } from "node:path";
import { array, minLength, object, pipe, string } from "valibot";
import { readBounded, realPathInside } from "../../values/files.ts";
import { tryJson } from "../../values/json.ts";

/** A larger file is not a list of some connectors. */
const MAX_CHARACTERS = 100_000;

/** If there are more files of that name, no list is known. */
const MAX_FILES = 50;

const SERVICES = pipe(array(object({ name: string() })), minLength(1));

/**
 * The names by which the broker looks for its connectors: its `services.json`, a list of objects with a `name`, in the
 * service layer's folder. `undefined` if there is none in this form, or if there are several that differ.
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

/** Reads a regular file of a folder: not a device or pipe, and nothing outside that a link leads to. */
async function readWithin(folder: string, path: string): Promise<string> {
  const real = await realPathInside(join(folder, path), [folder]);
  if (real === undefined || !(await stat(real)).isFile()) return "";
  return (await readBounded(real, MAX_CHARACTERS)).toString();
}

/** Reads the names in a `services.json`; `undefined` if it has another form than version 1's. */
export function parseConnectors(text: string): readonly string[] | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  return tryJson(SERVICES, text)?.map(({ name }) => name);
}

/** Whether the broker has found every connector of the list: it calls each by a name that ends in the listed one. */
export function hasFoundAll(found: readonly string[], listed: readonly string[] | undefined): boolean {
  if (listed === undefined || found.length !== listed.length) return false;
  return listed.every((name) => found.some((each) => each.endsWith(name)));
}
