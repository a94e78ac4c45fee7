import { createHash } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
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
 * A folder that is made once for its ingredients. Its name carries their digest, so a changed ingredient makes a
 * new folder, and it is renamed into place when complete, so half of one never counts.
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
  });
  return folder;
}
