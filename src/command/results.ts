/** The tests that a suite has itself, without those of the suites in it. */
export interface Suite {
  readonly name: string;
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** A test that failed, or an error of a suite. */
export interface FailedTest {
  readonly suite: string;
  readonly name: string;
  readonly kind: "failure" | "error";
  /** What it says in short; empty where it says nothing. */
  readonly message: string;
  /** The rest, such as a stack trace. */
  readonly text: string;
}

/** What files of test results say. */
export interface TestResults {
  readonly suites: readonly Suite[];
  /** The first of those that failed. */
  readonly failed: readonly FailedTest[];
}

/** The sums of all suites. */
export type Totals = Omit<Suite, "name">;

/** How many failed tests are kept with their texts. */
export const MAX_FAILED = 50;

/** Adds up suites. */
export function totalOf(suites: readonly Totals[]): Totals {
  const sum = (field: keyof Totals) => suites.reduce((total, suite) => total + suite[field], 0);
  return {
    tests: sum("tests"),
    failures: sum("failures"),
    errors: sum("errors"),
    skipped: sum("skipped"),
    seconds: sum("seconds"),
  };
}

/** More than a summary shows; the sums of the others are kept. */
const MAX_SUITES = 1000;

/** The results of several files as those of one; of very many suites those without a failure are one. */
export function mergeResults(all: readonly TestResults[]): TestResults {
  const suites = all.flatMap((each) => each.suites);
  const failed = all.flatMap((each) => each.failed).slice(0, MAX_FAILED);
  if (suites.length <= MAX_SUITES) return { suites, failed };
  const sorted = suites.toSorted((a, b) => Number(b.failures + b.errors > 0) - Number(a.failures + a.errors > 0));
  const others = { name: "The other suites", ...totalOf(sorted.slice(MAX_SUITES)) };
  return { suites: [...sorted.slice(0, MAX_SUITES), others], failed };
}
