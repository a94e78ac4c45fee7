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

/** Ends a process at once: what it leaves is ours to remove. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
