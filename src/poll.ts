import { setTimeout as sleep } from "node:timers/promises";

/** Waits for some milliseconds. @throws the signal's reason as soon as it is aborted. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** How often and how long is asked. */
export interface PollOptions {
  readonly everyMilliseconds: number;
  /** For how long; without end where it is not set. It is asked once more at the end of that time. */
  readonly forMilliseconds?: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks until there is an answer.
 * @returns `undefined` where there is none in time.
 * @throws what the question throws, and the signal's reason.
 */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  { everyMilliseconds, forMilliseconds = Number.POSITIVE_INFINITY, signal }: PollOptions,
): Promise<T | undefined> {
  const end = performance.now() + forMilliseconds;
  for (;;) {
    signal?.throwIfAborted();
    const late = performance.now() >= end;
    const answer = await ask();
    if (answer !== undefined || late) return answer;
    await pause(everyMilliseconds, signal);
  }
}

/** Limits work in time. The work goes on where it cannot be stopped. @throws the late error. */
export async function limitTime<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
