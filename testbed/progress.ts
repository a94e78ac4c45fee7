export type Log = (line: string) => void;

/** One line when work starts and one with its duration: a cold start takes minutes, and no output looks like a hang. */
export async function phase<T>(log: Log, name: string, what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  log(`${name}: ${what} ...`);
  try {
    const result = await work();
    log(`${name}: ${what}, done in ${seconds(start)} s`);
    return result;
  } catch (error) {
    log(`${name}: ${what}, failed after ${seconds(start)} s`);
    throw error;
  }
}

export function seconds(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1);
}
