import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** The variable that marks a run's processes: it holds the run's folder, and children inherit it. */
export const RUN_VARIABLE = "KIND_TORCH_RUN";

const MAX_ROUNDS = 250;
const ROUND_MILLISECONDS = 20;

/**
 * Ends every process that a run started and that is still there, also those that outlived a killed main.
 * @returns how many there were.
 */
export function endProcesses(runDirectory: string): Promise<number> {
  return endMarked(RUN_VARIABLE, runDirectory);
}

/** Ends every process that has a variable with this value in its environment, until there is none. @returns how many. */
export async function endMarked(variable: string, value: string): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const pids = await findMarked(`${variable}=${value}`);
    if (pids.length === 0) break;
    for (const pid of pids) {
      ended.add(pid);
      kill(pid);
    }
    // A process that was forked meanwhile is found in the next round, and one that is ending is gone by then.
    await sleep(ROUND_MILLISECONDS);
  }
  return ended.size;
}

/**
 * Asks every process that has a variable with this value in its environment to end, and waits until none is there, or
 * the time is up. @returns how many there were.
 */
export async function askMarked(variable: string, value: string, seconds: number): Promise<number> {
  const deadline = performance.now() + seconds * 1000;
  const asked = new Set<number>();
  for (;;) {
    const pids = await findMarked(`${variable}=${value}`);
    if (pids.length === 0 || performance.now() > deadline) return asked.size;
    for (const pid of pids.filter((each) => !asked.has(each))) {
      asked.add(pid);
      kill(pid, "SIGTERM");
    }
    await sleep(5 * ROUND_MILLISECONDS);
  }
}

async function findMarked(mark: string): Promise<readonly number[]> {
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        // A process that has just ended, or that another user owns, is not one of the run's.
        const environment = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
        return environment.split("\0").includes(mark) ? [Number(name)] : [];
      }),
  );
  return found.flat().filter((pid) => pid !== process.pid);
}

/** A process by its id and by when it started: an id alone may be another one's by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks since the machine started. */
  readonly start: string;
}

/** Identifies a process; `undefined` where it is not there, or has ended. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const start = readStart(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return start === undefined ? undefined : { pid, start };
  } catch {
    return undefined;
  }
}

/** When a process started, by its state (proc(5)), whose second field may hold anything; `undefined` where it has ended. */
export function readStart(stat: string): string | undefined {
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : fields[18];
}

/**
 * Ends a process, and waits until it is gone: a runner that stops a step in a job's container ends Docker's client, and the
 * step goes on. @returns whether it was there.
 */
export async function endProcess({ pid, start }: ProcessIdentity): Promise<boolean> {
  const isThere = () => identifyProcess(pid)?.start === start;
  if (!isThere()) return false;
  kill(pid);
  for (let round = 0; round < MAX_ROUNDS && isThere(); round += 1) await sleep(ROUND_MILLISECONDS);
  return true;
}

/** Ends a process at once, because what it leaves is ours to remove, or with another signal. */
function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
