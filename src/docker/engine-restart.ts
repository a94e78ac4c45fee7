import { type Command, CommandError, type Exec } from "../exec.ts";
import { pause } from "../poll.ts";
import type { Log } from "../runner/log.ts";

/** Docker's client, before and since its release 29, where it does not reach its engine: that has begun nothing. */
const UNREACHED = /Cannot connect to the Docker daemon|failed to connect to the docker API/i;

/** How long an engine may take to be there again: a restart ends or takes up every container first. */
const RESTART_SECONDS = 60;

/** What tests set differently. */
export interface RestartOptions {
  readonly seconds?: number;
  readonly everyMilliseconds?: number;
}

/**
 * Has Docker's client try again while its engine is being restarted, as by an update of its package. All commands share
 * the time: where the engine does not come back, it is not waited for once more by each of them.
 */
export function outliveRestart(
  exec: Exec,
  log: Pick<Log, "info">,
  { seconds = RESTART_SECONDS, everyMilliseconds = 1000 }: RestartOptions = {},
): Exec {
  let until: number | undefined;
  /** Whether there is time left to wait for the engine; the first to ask begins it. */
  const mayWait = () => {
    if (until === undefined) log.info(`Docker Engine does not answer: waiting for it, at most ${seconds} s`);
    until ??= performance.now() + seconds * 1000;
    return performance.now() < until;
  };
  const run: Exec = async (command) => {
    try {
      const result = await exec(command);
      if (command.file === "docker") until = undefined;
      return result;
    } catch (error) {
      if (!isAgainPossible(command, error) || !mayWait()) throw error;
      await pause(everyMilliseconds);
      return await run(command);
    }
  };
  return run;
}

/** Whether a command was of Docker's, has begun nothing, and is still wanted. A file that it wrote into is in the way. */
function isAgainPossible({ file, stdoutFile, signal }: Command, error: unknown): boolean {
  return file === "docker" && stdoutFile === undefined && signal?.aborted !== true && isUnreached(error);
}

function isUnreached(error: unknown): boolean {
  return error instanceof CommandError && UNREACHED.test(error.stderr);
}
