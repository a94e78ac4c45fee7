import { CommandError } from "../exec.ts";
import { type PollOptions, poll } from "../poll.ts";

/**
 * Runs a command again until it succeeds.
 * @throws its last error where it does not succeed in time, or the signal ends the wait.
 */
export async function retryCommand(
  command: () => Promise<unknown>,
  { signal, ...options }: PollOptions,
): Promise<void> {
  let last: CommandError | undefined;
  const isDone = await poll(async () => {
    try {
      await command();
      return true;
    } catch (error) {
      if (signal?.aborted === true || !(error instanceof CommandError)) throw error;
      last = error;
      return undefined;
    }
  }, options);
  if (isDone === undefined && last !== undefined) throw last;
}
