import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type InferOutput, number, object, optional, picklist, record, string } from "valibot";
import { readJson } from "../../src/values/json.ts";

/** What a test is run on: a cluster of the Action's, or one of `kind create cluster` alone. */
export const SUBJECTS = ["action", "kind"] as const;
export type Subject = (typeof SUBJECTS)[number];

const result = object({
  state: picklist(["passed", "failed"]),
  seconds: number(),
  /** How often it was run, where that is more than once. */
  tries: optional(number()),
});
export type Result = InferOutput<typeof result>;

const schema = object({
  kubernetes: string(),
  /** By the names of the tests, all of the version's conformance tests. */
  tests: record(string(), object({ image: optional(string()), action: optional(result), kind: optional(result) })),
});
/** The results of one version, kept from run to run: a run adds to them. */
export type Results = InferOutput<typeof schema>;

/** Where the results of a minor are kept. */
export function resultsFile(minor: string): string {
  return join(import.meta.dirname, "results", `${minor}.json`);
}

export function parseResults(text: string): Results {
  return readJson(schema, text);
}

/** Those of earlier runs; none if there was no run, or one of another patch. */
export async function readResults(minor: string, patch: string): Promise<Results> {
  const text = await readFile(resultsFile(minor), "utf8").catch(() => undefined);
  const known = text === undefined ? undefined : parseResults(text);
  return known?.kubernetes === patch ? known : { kubernetes: patch, tests: {} };
}

/** Writes them in the order of their names, one test a line, so that a difference can be read. */
export async function writeResults(minor: string, { kubernetes, tests }: Results): Promise<void> {
  const lines = Object.keys(tests)
    .toSorted()
    .map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(tests[name])}`);
  const file = resultsFile(minor);
  await mkdir(dirname(file), { recursive: true });
  const head = `{\n  "kubernetes": ${JSON.stringify(kubernetes)},\n  "tests": {\n`;
  // Renamed when it is whole: a run may be read, or end, at any moment.
  const draft = `${file}.draft`;
  await writeFile(draft, `${head}${lines.join(",\n")}\n  }\n}\n`);
  await rename(draft, file);
}

/** Adds what a run found; a test that was run before keeps the number of its tries. */
export function addResults(results: Results, subject: Subject, found: ReadonlyMap<string, Result>): Results {
  const tests = { ...results.tests };
  for (const [name, result] of found) {
    const before = tests[name]?.[subject];
    const tries = before === undefined ? {} : { tries: (before.tries ?? 1) + 1 };
    tests[name] = { ...tests[name], [subject]: { ...result, ...tries } };
  }
  return { ...results, tests };
}

/** How many tests of a version ended how on a subject. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Left out for want of an image. */
  readonly leftOut: number;
  readonly notRun: number;
}

export function countResults({ tests }: Results, subject: Subject): Counts {
  const all = Object.values(tests);
  const inState = (state: Result["state"]) => all.filter((test) => test[subject]?.state === state).length;
  const leftOut = all.filter(({ image }) => image !== undefined).length;
  const [passed, failed] = [inState("passed"), inState("failed")];
  return { passed, failed, leftOut, notRun: all.length - passed - failed - leftOut };
}

/** The tests that a plain cluster passes and the Action's does not. */
export function findWorse({ tests }: Results): readonly string[] {
  return Object.entries(tests)
    .filter(([, { action, kind }]) => action?.state === "failed" && kind?.state === "passed")
    .map(([name]) => name);
}
