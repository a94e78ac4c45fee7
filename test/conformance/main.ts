import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { conformancePrograms } from "../../testbed/conformance-programs.ts";
import { newestMinor, releaseOf } from "../../testbed/releases.ts";
import { sh } from "../e2e/harness.ts";
import { createCluster } from "./clusters.ts";
import { listTests, runTests } from "./ginkgo.ts";
import { missingImage } from "./left-out.ts";
import { choosePortion } from "./portions.ts";
import {
  addResults,
  countResults,
  findWorse,
  type Results,
  readResults,
  resultsFile,
  SUBJECTS,
  type Subject,
  writeResults,
} from "./results.ts";

/**
 * `npm run conformance`: Kubernetes' conformance tests on a cluster of the Action's and on one of kind alone. Results are
 * kept, and a run goes on where the last one stopped; `--again` runs those that failed once more.
 */

const ROOT = join(import.meta.dirname, "../..");
const LOGS = join(ROOT, ".run/conformance");
const USAGE = `usage: npm run conformance -- [--kubernetes <minor>]... [--on action|kind]... [--focus <expression>]
  [--minutes <of each cluster>] [--processes <number>] [--again]`;

interface Options {
  readonly focus: RegExp;
  readonly minutes: number;
  readonly processes: number;
  readonly again: boolean;
  /** Aborted by a signal: the cluster is removed then. */
  readonly signal: AbortSignal;
}

/** Runs what has no result yet on one subject's cluster, and writes the results after each portion. */
async function runSubject(minor: string, subject: Subject, options: Options): Promise<void> {
  const release = releaseOf(minor);
  const programs = await conformancePrograms(release, console.error);
  let results = await withEveryTest(await readResults(minor, release.patch), programs.tests);
  await writeResults(minor, results);
  const isDone = new Set<string>();
  const pending = () =>
    Object.entries(results.tests)
      .filter(([name, test]) => test.image === undefined && options.focus.test(name) && !isDone.has(name))
      .filter(([, test]) => test[subject] === undefined || (options.again && test[subject].state === "failed"))
      .map(([name]) => name);
  if (pending().length === 0) return;
  const cluster = await createCluster(subject, minor);
  const end = Date.now() + options.minutes * 60_000;
  try {
    for (;;) {
      const minutes = (end - Date.now()) / 60_000;
      const portion = choosePortion(pending(), knownSeconds(results), { ...options, minutes });
      if (portion.names.length === 0) return;
      const log = join(LOGS, `${minor}-${subject}-${Date.now()}.log`);
      console.log(`${minor}, ${subject}: ${portion.names.length} tests, ${portion.processes} at a time; ${log}`);
      // Grace for the end of tests that take longer than expected.
      const limit = Math.min(minutes, 10) + 1;
      const { results: found, messages } = await runTests({
        programs,
        cluster,
        ...portion,
        minutes: limit,
        log,
        signal: options.signal,
      });
      for (const name of portion.names) isDone.add(name);
      for (const [name, { state }] of found) {
        if (state === "failed")
          console.log(`failed: ${name}\n    ${messages.get(name)?.split("\n").slice(0, 4).join("\n    ")}`);
      }
      results = addResults(results, subject, found);
      await writeResults(minor, results);
      await writeFile(`${log}.failures.json`, JSON.stringify(Object.fromEntries(messages), null, 2));
    }
  } finally {
    await cluster.remove();
  }
}

/** The results with an entry for each of the version's conformance tests. */
async function withEveryTest(results: Results, program: string): Promise<Results> {
  const names = await listTests(program);
  const entry = (name: string) => {
    const image = missingImage(name);
    return { ...(image === undefined ? {} : { image }), ...results.tests[name] };
  };
  return { ...results, tests: Object.fromEntries(names.map((name) => [name, entry(name)])) };
}

function knownSeconds({ tests }: Results): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(tests).flatMap(([name, { action, kind }]) => {
      const seconds = Math.max(action?.seconds ?? 0, kind?.seconds ?? 0);
      return seconds === 0 ? [] : [[name, seconds] as const];
    }),
  );
}

function isSubject(word: string): word is Subject {
  return SUBJECTS.some((subject) => subject === word);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kubernetes: { type: "string", multiple: true, default: ["1.28", newestMinor()] },
      on: { type: "string", multiple: true, default: [...SUBJECTS] },
      focus: { type: "string", default: "" },
      minutes: { type: "string", default: "600" },
      processes: { type: "string", default: "8" },
      again: { type: "boolean", default: false },
    },
  });
  const subjects = values.on.filter(isSubject);
  const [minutes, processes] = [Number(values.minutes), Number(values.processes)];
  if (subjects.length < values.on.length || !(minutes > 0) || !(processes > 0)) throw new Error(USAGE);
  const interruption = new AbortController();
  // Not once: a signal to the process group and one to this process come together.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interruption.abort());
  const { signal } = interruption;
  const options = { signal, focus: new RegExp(values.focus), minutes, processes, again: values.again };
  await mkdir(LOGS, { recursive: true });
  const worse: string[] = [];
  for (const minor of values.kubernetes) {
    for (const subject of subjects) await runSubject(minor, subject, options);
    const results = await readResults(minor, releaseOf(minor).patch);
    for (const subject of SUBJECTS) console.log(minor, subject, JSON.stringify(countResults(results, subject)));
    worse.push(...findWorse(results).map((name) => `Kubernetes ${minor}: ${name}`));
    console.log(`the results are in ${resultsFile(minor)}`);
  }
  await sh(process.execPath, [join(ROOT, "scripts/docs/tables.ts")]);
  for (const line of worse) console.error(`passes on kind alone, and not on the Action's cluster: ${line}`);
  process.exitCode = worse.length > 0 ? 1 : 0;
}

await main();
