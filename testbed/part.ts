import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, exists } from "./cache.ts";
import { locked } from "./lock.ts";
import type { Log } from "./progress.ts";

export type Part = {
  readonly name: string;
  /** Everything that the result depends on: versions, package names, digests of files, other parts' folders. */
  readonly ingredients: readonly string[];
  readonly make: (folder: string) => Promise<void>;
};

/**
 * A folder that is made once for its ingredients. Its name has their digest, so that a changed ingredient makes a new
 * folder, and it is renamed into place when it is complete, so that an incomplete one is never used.
 */
export async function part({ name, ingredients, make }: Part, log: Log): Promise<string> {
  const key = createHash("sha256").update(JSON.stringify(ingredients)).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(), "parts", `${name}-${key}`);
  if (await exists(folder)) return folder;
  await locked(`${name}-${key}`, log, async () => {
    if (await exists(folder)) return;
    const unfinished = `${folder}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await make(unfinished);
    await rename(unfinished, folder);
    await forgetOlder(name);
  });
  return folder;
}

/** Keeps the newest two, so that going back to the last state (another branch) is quick and the disk does not fill up. */
async function forgetOlder(name: string): Promise<void> {
  const parent = join(cacheFolder(), "parts");
  const versions: { readonly folder: string; readonly made: number }[] = [];
  for (const entry of await readdir(parent)) {
    if (entry.slice(0, -17) !== name || !/-[0-9a-f]{16}$/.test(entry)) continue;
    const folder = join(parent, entry);
    versions.push({ folder, made: (await stat(folder)).mtimeMs });
  }
  versions.sort((a, b) => b.made - a.made);
  for (const { folder } of versions.slice(2)) await rm(folder, { recursive: true, force: true });
}
