import { mkdir, realpath } from "node:fs/promises";
import { describeError } from "../../errors.ts";
import type { Log } from "../../runner/log.ts";
import { checksumOf, type KeptArchive, listArchives } from "./archives.ts";
import { hashLockFiles } from "./lock.ts";

/** What an earlier run has kept. */
export interface FoundCaches {
  /** Whole ones only. */
  readonly archives: readonly KeptArchive[];
  /** Where the folder leads; `undefined` if it cannot be used. */
  readonly folder: string | undefined;
  /** The checksum of npm's lock files in this checkout, if there are any. */
  readonly lock: string | undefined;
}

/** Reads what is kept in a folder, which is created if it is missing. What is wrong with it is a line in the log. */
export async function findCaches(path: string, context: string, log: Log): Promise<FoundCaches> {
  const lock = await hashLockFiles(context).catch((error: unknown) => void log.debug(describeError(error)));
  try {
    await mkdir(path, { recursive: true });
    const folder = await realpath(path);
    const archives: KeptArchive[] = [];
    for (const archive of await listArchives(folder)) {
      if (await isWhole(archive, log)) archives.push(archive);
    }
    return { archives, folder, lock };
  } catch (error) {
    log.warning(`torch-package-cache: ${path} cannot be used: ${describeError(error)}. Fix: name another folder.`);
    return { archives: [], folder: undefined, lock };
  }
}

async function isWhole({ path, checksum, tool }: KeptArchive, log: Log): Promise<boolean> {
  const found = await checksumOf(path).catch((error: unknown) => describeError(error));
  if (found === checksum) return true;
  const reason = /^[0-9a-f]{64}$/.test(found) ? "its checksum is another one" : found;
  log.warning(`${tool}'s package cache is not restored: ${path} is damaged: ${reason}`);
  return false;
}
