import { Failure } from "../errors.ts";
import { exitWhenPrinted } from "./exit.ts";

/** The signals that end a step, with the exit code of a process that one of them ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Goes on when the step is stopped from outside: what post removes is what a cancelled job wants removed too. */
export function continueWhenStopped(onStop: (signal: keyof typeof EXIT_CODES) => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => onStop(signal));
}

/**
 * Ends the step when it is stopped from outside, or when work that nothing waits for any more fails: that must not end
 * the process without a report and its clean-up. A cancelled job gets SIGINT first and is killed ten seconds later
 * (GitHub's runner); children lead process groups of their own and do not receive it.
 * @param end cleans up and reports the reason. It is called once; the process exits afterwards.
 * @returns what gives the promise of that end, once it has begun; it never resolves before the process exits.
 */
export function endWhenStopped(end: (reason: unknown) => Promise<void>): () => Promise<never> | undefined {
  let ending: Promise<never> | undefined;
  const begin = (reason: unknown, exitCode: number) => {
    ending ??= end(reason).then(() => exitWhenPrinted(exitCode));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => begin(new Failure(`The step was stopped (${signal}).`), EXIT_CODES[signal]));
  }
  process.on("unhandledRejection", (error) => begin(error, 1));
  return () => ending;
}
