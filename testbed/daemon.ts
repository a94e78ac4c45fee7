import { spawn } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { pause, poll } from "../src/poll.ts";
import { cacheFolder, readJson, writeWhole } from "./cache.ts";
import { end, identify, isAlive, isIdentity, type ProcessIdentity } from "./process-identity.ts";

export type Daemon = {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Whether it answers as it should. */
  readonly answers: () => Promise<boolean>;
  /** Says what occupies its port or socket, if something else does; called before the start. */
  readonly occupied: () => Promise<string | undefined>;
};

export async function ensureDaemon(daemon: Daemon): Promise<ProcessIdentity> {
  const running = await recorded(daemon.name);
  if (running !== undefined) {
    await answer(daemon, running);
    return running;
  }
  const occupant = await daemon.occupied();
  if (occupant !== undefined) throw new Error(`${daemon.name} cannot start: ${occupant}`);
  await mkdir(join(cacheFolder(), "run"), { recursive: true });
  const log = await open(logFile(daemon.name), "w");
  const child = spawn(daemon.program, daemon.args, { detached: true, stdio: ["ignore", log.fd, log.fd] });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const identity = await Promise.race([failed, identifyNew(child.pid)]);
  await writeWhole(recordFile(daemon.name), JSON.stringify(identity));
  child.unref();
  await log.close();
  await answer(daemon, identity);
  return identity;
}

/** Ends the daemon that was started here, if it is still that process. */
export async function endDaemon(name: string): Promise<boolean> {
  const running = await recorded(name);
  if (running !== undefined) await end(running);
  await rm(recordFile(name), { force: true });
  return running !== undefined;
}

export async function recorded(name: string): Promise<ProcessIdentity | undefined> {
  const identity = await readJson(recordFile(name));
  return isIdentity(identity) && (await isAlive(identity)) ? identity : undefined;
}

async function identifyNew(pid: number | undefined): Promise<ProcessIdentity> {
  const identity = pid === undefined ? undefined : await identify(pid);
  if (identity !== undefined) return identity;
  // Without a pid the "error" event comes first, and says why.
  await pause(5000);
  throw new Error("it ended at once");
}

async function answer(daemon: Daemon, identity: ProcessIdentity): Promise<void> {
  const ask = async () => {
    if (await daemon.answers()) return true;
    if (await isAlive(identity)) return undefined;
    throw new Error(`${daemon.name} ended; see ${logFile(daemon.name)}`);
  };
  const answered = await poll(ask, { everyMilliseconds: 100, forMilliseconds: 60_000 });
  if (answered === undefined) throw new Error(`${daemon.name} does not answer; see ${logFile(daemon.name)}`);
}

function recordFile(name: string): string {
  return join(cacheFolder(), "run", `${name}.json`);
}

function logFile(name: string): string {
  return join(cacheFolder(), "run", `${name}.log`);
}
