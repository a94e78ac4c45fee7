import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { kindConfig, kubeletPatches } from "../../testbed/releases.ts";
import { type ActionRun, type Machine, machineOf, prepareRun } from "./harness.ts";
import { dockerObjects, findLeft } from "./left.ts";

/**
 * A fault that a test causes, as a row of docs/faults.md: that table is made from the rows, and a row is a test. Files
 * named `faults-*.test.ts` call nothing but `fault` when they are loaded.
 */
export interface Fault {
  /** What fails: the table has a section for each. */
  readonly area: string;
  readonly cause: string;
  readonly when: string;
  /** What the user sees: a recovery, or the error's words and its fix. */
  readonly sees: string;
  /** The end, by success or by error, comes within so many seconds; a run that takes longer fails the test. */
  readonly seconds: number;
  /** What is left after post, where that is not nothing, and why. */
  readonly left?: string;
  /** Why the test does not run on this machine. */
  readonly skip?: string | false;
  /** Whether it takes long, so that it only runs if it is asked for. */
  readonly long?: boolean;
}

const skipsLong = process.env.FAULTS !== "all";

/** What the test of a fault works with. */
export interface Subject {
  readonly machine: Machine;
  /** A name for its cluster that no other test has. */
  readonly cluster: string;
  /** Aborted when the row's time is over. */
  readonly signal: AbortSignal;
  /** Prepares a run with the subject's cluster. Where the test does not call its post, that is called after the test. */
  prepare(inputs?: Readonly<Record<string, string>>): Promise<ActionRun>;
}

/** The rows of the files that are loaded while a table is made; `undefined` while tests run. */
let recorded: Fault[] | undefined;

/** Loads the files without running their tests. @returns their rows in the order of the files. */
export async function readFaults(files: readonly string[]): Promise<readonly Fault[]> {
  recorded = [];
  try {
    for (const file of files) await import(file);
    return recorded;
  } finally {
    recorded = undefined;
  }
}

/** Declares faults that mostly wait, and that do not meet: their tests run at the same time. */
export function faultsAtOnce(name: string, declare: () => void): void {
  if (recorded !== undefined) declare();
  else describe(name, { concurrency: true }, declare);
}

/** Another Kubernetes than the guide's, for `FAULTS_KUBERNETES=1.31 npm run faults`. */
const KUBERNETES = process.env.FAULTS_KUBERNETES;
const OF_KUBERNETES: Readonly<Record<string, string>> =
  KUBERNETES === undefined ? {} : { "kubernetes-version": KUBERNETES, "kind-config": kindConfig(KUBERNETES) };

/** A row's own configuration with what that Kubernetes needs on this machine. */
function forKubernetes(inputs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = inputs["kind-config"];
  if (own === undefined || KUBERNETES === undefined) return inputs;
  const { kubeadmConfigPatches = [], ...rest }: { kubeadmConfigPatches?: readonly string[] } = parse(own);
  const patches = [...kubeadmConfigPatches, ...kubeletPatches(KUBERNETES)];
  return { ...inputs, "kind-config": JSON.stringify({ ...rest, kubeadmConfigPatches: patches }) };
}

let count = 0;

/** Declares a fault and its test, after which nothing of its runs may be left. */
export function fault(row: Fault, body: (subject: Subject) => Promise<void>): void {
  if (recorded !== undefined) {
    recorded.push(row);
    return;
  }
  count += 1;
  const cluster = `fault-${process.pid}-${count}`;
  const { cause, when, sees, seconds } = row;
  const skip = (row.skip ?? false) || (row.long === true && skipsLong && "takes long: npm run faults runs it");
  const title = `${row.area}: ${cause}, ${when}: ${sees}`;
  // The test has some time more than the row: what hangs is ended, and its own removal is looked at.
  test(title, { timeout: (seconds + 120) * 1000, skip }, async (context) => {
    const machine = machineOf(await raiseBedFor(KUBERNETES, console.error));
    const before = await dockerObjects();
    const runs: { readonly run: ActionRun; posted: boolean }[] = [];
    const prepare = async (inputs: Readonly<Record<string, string>> = {}) => {
      const run = await prepareRun(machine, {
        "cluster-name": cluster,
        workers: "0",
        ...OF_KUBERNETES,
        ...forKubernetes(inputs),
      });
      const entry = { run, posted: false };
      runs.push(entry);
      return {
        ...run,
        post: (...options: Parameters<ActionRun["post"]>) => {
          entry.posted = true;
          return run.post(...options);
        },
      };
    };
    const limit = AbortSignal.timeout(seconds * 1000);
    try {
      await Promise.race([
        body({ machine, cluster, signal: limit, prepare }),
        exceeded(limit, seconds, context.signal),
      ]);
      for (const { run, posted } of runs) {
        if (posted) continue;
        const post = await run.post();
        assert.equal(post.exitCode, 0, post.log.join("\n"));
      }
      for (const { run } of runs) assert.deepEqual(await findLeft(run, cluster, before), [], "is left");
    } finally {
      for (const { run } of runs) {
        await run.post();
        await run.dispose();
      }
    }
  });
}

function exceeded(limit: AbortSignal, seconds: number, stop: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    limit.addEventListener("abort", () => reject(new Error(`did not end within ${seconds} s`)), { signal: stop });
  });
}

/** A step's whole log as text, with its line breaks. */
export function logOf({ log }: { readonly log: readonly string[] }): string {
  return log.join("\n").replaceAll("%0A", "\n").replaceAll("%25", "%");
}

/** The one error of a step that must fail, with its fix. */
export function errorOf(result: { readonly log: readonly string[]; readonly exitCode: number | null }): string {
  assert.equal(result.exitCode, 1, logOf(result));
  const errors = result.log.filter((line) => line.startsWith("::error"));
  assert.equal(errors.length, 1, `one error:\n${logOf(result)}`);
  const text = logOf({ log: errors });
  assert.match(text, /Fix: \S/, "the error names its fix");
  return text;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** What a step that a signal ended has to say, and nothing else. */
export function expectStopped(
  result: { readonly log: readonly string[]; readonly exitCode: number | null },
  signal: keyof typeof EXIT_CODES,
): void {
  assert.equal(result.exitCode, EXIT_CODES[signal], logOf(result));
  const errors = result.log.filter((line) => line.startsWith("::error"));
  assert.deepEqual(errors, [`::error::The step was stopped (${signal}).`]);
}
