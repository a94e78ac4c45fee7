import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheFolder, readJson } from "./cache.ts";
import { identify, isAlive, isIdentity } from "./process-identity.ts";
import type { Log } from "./progress.ts";

/**
 * One process at a time for one thing: a part, the daemons, the catalog. Two commands that want different things do
 * not wait for each other. A lock whose holder is dead is taken over.
 */
export async function locked<T>(name: string, log: Log, work: () => Promise<T>): Promise<T> {
  const file = join(cacheFolder(), "locks", name);
  const me = await identify(process.pid);
  if (me === undefined) throw new Error("/proc does not show this process: the bed needs Linux");
  await mkdir(dirname(file), { recursive: true });
  let told = false;
  while (!(await claim(file, JSON.stringify(me)))) {
    const holder = await readJson(file);
    if (isIdentity(holder) && (await isAlive(holder))) {
      if (!told) log(`${name}: waiting for another bed command (process ${holder.pid})`);
      told = true;
      await sleep(500);
    } else {
      // A holder writes its identity in the same moment; an empty file older than that is nobody's.
      await sleep(200);
      if (JSON.stringify(await readJson(file)) === JSON.stringify(holder)) await rm(file, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function claim(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
