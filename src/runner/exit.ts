import { setTimeout as sleep } from "node:timers/promises";

/** For a reader that takes nothing any more. */
const MAX_SECONDS = 30;

/**
 * Ends the process once its reader has taken all that was printed: what still waits for a full pipe is lost when a process
 * exits, and the end of a log is what went wrong.
 */
export async function exitWhenPrinted(exitCode?: number): Promise<never> {
  await Promise.race([isPrinted(), sleep(MAX_SECONDS * 1000)]);
  // Given as undefined, it would be taken for 0.
  process.exit(exitCode ?? process.exitCode);
}

async function isPrinted(): Promise<void> {
  // biome-ignore lint/plugin: nothing is written; it is asked when all of it is.
  for (const stream of [process.stdout, process.stderr]) {
    // A stream whose reader has gone calls back too.
    await new Promise<void>((resolve) => stream.write("", () => resolve()));
  }
}
