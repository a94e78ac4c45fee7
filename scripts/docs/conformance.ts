import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { array, record, string } from "valibot";
import { tableLines } from "../../src/report/markdown/table.ts";
import { readJson } from "../../src/values/json.ts";
import { countResults, findWorse, parseResults, type Results, type Subject } from "../../test/conformance/results.ts";

/** What docs/conformance.md is made from. */
export interface Conformance {
  /** The results of each version, the oldest first. */
  readonly results: readonly Results[];
  /** The tests that CI runs on each change, by what they are about. */
  readonly fixed: Readonly<Record<string, readonly string[]>>;
}

/** Reads what `npm run conformance` has kept. */
export async function readConformance(root: string): Promise<Conformance> {
  const folder = join(root, "test/conformance");
  const files = (await readdir(join(folder, "results"))).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, "results", file), "utf8")));
  const fixed = readJson(record(string(), array(string())), await readFile(join(folder, "fixed.json"), "utf8"));
  return { results: texts.map(parseResults), fixed };
}

const CLUSTERS: Readonly<Record<Subject, string>> = {
  action: "the Action's, accelerated",
  kind: "`kind create cluster`",
};

export function renderConformance({ results, fixed }: Conformance): string {
  const count = Object.values(fixed).flat().length;
  return [
    ...results.flatMap(countLines),
    "",
    "Tests that pass on a cluster of kind alone and fail on the Action's:",
    "",
    ...listLines(results.flatMap((each) => findWorse(each).map((name) => `${name} (${each.kubernetes})`))),
    "",
    "Tests that fail on both, or were not run on the other:",
    "",
    ...listLines(results.flatMap(failures)),
    "",
    "Tests that are left out, since their image cannot be made from packages:",
    "",
    ...listLines(results.flatMap(leftOut)),
    "",
    `## What CI runs`,
    "",
    `${count} tests, on each change:`,
    "",
    ...Object.entries(fixed).flatMap(([area, names]) => [
      `- ${area}: ${names.length}`,
      ...names.map((name) => `  - \`${name}\``),
    ]),
  ].join("\n");
}

function countLines(results: Results, index: number): readonly string[] {
  const total = Object.keys(results.tests).length;
  const rows = Object.entries(CLUSTERS).map(([subject, name]) => {
    const { passed, failed, leftOut, notRun } = countResults(results, subject === "action" ? "action" : "kind");
    return [results.kubernetes, name, ...[total, passed, failed, leftOut, notRun].map(String)];
  });
  const head = ["Kubernetes", "Cluster", "Conformance tests", "Passed", "Failed", "Left out", "Not run yet"];
  // One table: only the first version brings the head.
  return tableLines(head, rows).slice(index === 0 ? 0 : 2);
}

function failures(results: Results): readonly string[] {
  const worse = new Set(findWorse(results));
  return Object.entries(results.tests)
    .filter(([name, { action, kind }]) => !worse.has(name) && [action?.state, kind?.state].includes("failed"))
    .map(([name, { action, kind }]) => {
      const states = `the Action's: ${action?.state ?? "not run"}, kind's: ${kind?.state ?? "not run"}`;
      return `${name} (${results.kubernetes}; ${states})`;
    });
}

function leftOut({ kubernetes, tests }: Results): readonly string[] {
  return Object.entries(tests).flatMap(([name, { image }]) =>
    image === undefined ? [] : [`${name} (${kubernetes}; ${image})`],
  );
}

/** A list in which the tests' names are code: they have brackets. */
function listLines(items: readonly string[]): readonly string[] {
  if (items.length === 0) return ["- none"];
  return items.map((item) => `- ${item.replace(/^(.*) \((.*)\)$/, "`$1` ($2)")}`);
}
