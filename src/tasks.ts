/** Work that is done side by side and stands or falls together. */
export interface Tasks {
  /** Aborted as soon as one of the tasks has failed. */
  readonly signal: AbortSignal;
  /** Begins a task. Its failure is that of all, whether its result is awaited or not. */
  begin<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Runs tasks side by side until all of them are done. The first failure is the one thrown, at once: the others are
 * asked to stop, and what they started is ended by the caller, who knows it.
 */
export async function runTasks<T>(body: (tasks: Tasks) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const failure = Promise.withResolvers<never>();
  // Whoever waits hears of it below.
  failure.promise.catch(() => undefined);
  const begun: Promise<unknown>[] = [];
  const begin = <R>(work: () => Promise<R>): Promise<R> => {
    const task = work();
    begun.push(task);
    task.catch((error: unknown) => {
      failure.reject(error);
      stop.abort();
    });
    return task;
  };
  const result = begin(() => body({ signal: stop.signal, begin }));
  // A task may begin another one while the last are waited for.
  const allDone = async () => {
    for (let seen = 0; seen < begun.length; ) {
      const now = begun.slice(seen);
      seen = begun.length;
      await Promise.allSettled(now);
    }
    return await result;
  };
  return await Promise.race([failure.promise, allDone()]);
}
