import { readFile } from "node:fs/promises";
import { pause } from "../src/poll.ts";

/** A pid alone proves nothing, since the kernel reuses it later; together with its start time it is one process. */
export type ProcessIdentity = { readonly pid: number; readonly started: string };

export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses and may hold spaces; the rest is counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, started] = [fields[0], fields[19]];
  if (started === undefined || state === "Z") return undefined;
  return { pid, started };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.started === identity.started;
}

/** Asks a process to end, and kills it after the grace period, in milliseconds. */
export async function end(identity: ProcessIdentity, gracePeriod = 30_000): Promise<void> {
  if (!(await isAlive(identity))) return;
  process.kill(identity.pid, "SIGTERM");
  const deadline = Date.now() + gracePeriod;
  while (await isAlive(identity)) {
    if (Date.now() > deadline) process.kill(identity.pid, "SIGKILL");
    await pause(100);
  }
}

export function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "started" in value &&
    typeof value.started === "string"
  );
}
