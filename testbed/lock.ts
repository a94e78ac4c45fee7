import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../src/errors.ts";
import { pause } from "../src/poll.ts";
import { cacheFolder, readJson } from "./cache.ts";
import { identify, isAlive, isIdentity } from "./process-identity.ts";
import type { Log } from "./progress.ts";

/**
 * Runs work in one process at a time per name: a part, the daemons, the catalog. Two commands that need different names
 * do not wait for each other. A lock whose holder has ended is taken over.
 */
export async function locked<T>(name: string, log: Log, work: () => Promise<T>): Promise<T> {
  const file = join(cacheFolder(), "locks", name);
  const me = await identify(process.pid);
  if (me === undefined) throw new Error("/proc does not show this process. Fix: run it on Linux.");
  await mkdir(dirname(file), { recursive: true });
  let reported = false;
  while (!(await claim(file, JSON.stringify(me)))) {
    const holder = await readJson(file);
    if (isIdentity(holder) && (await isAlive(holder))) {
      if (!reported) log(`${name}: waiting for another command (process ${holder.pid})`);
      reported = true;
      await pause(500);
    } else {
      // A holder writes its identity at once; an empty file older than that has no holder.
      await pause(200);
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
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}
