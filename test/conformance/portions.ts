/** Seconds of a test that was never run; some watch for minutes that nothing happens. */
const UNKNOWN = 20;
const UNKNOWN_LONG = 270;
const LONG = /\[Slow\]|should \*not\* be restarted/;
/** A report is written when a portion has ended: this bounds what an interruption loses. */
const LONGEST_MINUTES = 10;

/** Whether a test must be the only one that runs. */
export function isSerial(name: string): boolean {
  return name.includes("[Serial]");
}

/**
 * The next tests to run together: those that must run alone come last, the longest first, as many as are expected to end
 * in time.
 * @param known seconds of tests that were run before, on whatever cluster.
 */
export function choosePortion(
  pending: readonly string[],
  known: ReadonlyMap<string, number>,
  { processes, minutes }: { readonly processes: number; readonly minutes: number },
): { readonly names: readonly string[]; readonly processes: number } {
  const parallel = pending.filter((name) => !isSerial(name));
  const [candidates, width] = parallel.length > 0 ? [parallel, processes] : [pending, 1];
  const expected = (name: string) => known.get(name) ?? (LONG.test(name) ? UNKNOWN_LONG : UNKNOWN);
  const limit = Math.min(minutes, LONGEST_MINUTES) * 60;
  const names: string[] = [];
  let work = 0;
  for (const name of candidates.toSorted((a, b) => expected(b) - expected(a))) {
    const seconds = expected(name);
    // Two processors' worth of tests do not end together: a quarter is left for that.
    if (seconds > limit || (work + seconds) / width > limit * 0.75) continue;
    work += seconds;
    names.push(name);
  }
  return { names, processes: width };
}
