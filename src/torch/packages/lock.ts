import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "../../values/files.ts";

/** The files in which npm keeps the exact versions that are wanted. */
const LOCK_FILES = ["package-lock.json", "npm-shrinkwrap.json"];
const MAX_BYTES = 32 * 1024 * 1024;

/** How deep below the build context such a file is looked for. */
const MAX_DEPTH = 2;

/** The checksum of npm's lock files below a folder, each with its `package.json`; `undefined` where there is none. */
export async function hashLockFiles(folder: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  let found = 0;
  for (const place of await findFolders(folder, MAX_DEPTH)) {
    if (!LOCK_FILES.some((name) => place.files.includes(name))) continue;
    found += 1;
    for (const name of ["package.json", ...LOCK_FILES].filter((each) => place.files.includes(each))) {
      hash.update(`${name}\0`).update(await readBounded(join(place.path, name), MAX_BYTES));
    }
  }
  return found === 0 ? undefined : hash.digest("hex");
}

interface Place {
  readonly path: string;
  /** The names of its regular files. */
  readonly files: readonly string[];
}

async function findFolders(path: string, depth: number): Promise<readonly Place[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const folders = entries.filter(
    (entry) => depth > 0 && entry.isDirectory() && !/^(?:node_modules|\..*)$/.test(entry.name),
  );
  const below: Place[] = [];
  for (const { name } of folders.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    below.push(...(await findFolders(join(path, name), depth - 1)));
  }
  return [{ path, files }, ...below];
}
