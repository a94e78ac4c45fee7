import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { renderDocument } from "../../../scripts/docs/tables.ts";
import { readInputNames } from "../../../scripts/local/action.ts";
import { describeProblem, type Problem } from "../../../src/errors.ts";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { OTHER_ACTIONS } from "../../../src/inputs/other-actions.ts";
import { findRejected } from "../../../src/plan/rejected-inputs.ts";
import { nearestName } from "../../../src/values/spelling.ts";
import { builtInCatalog } from "../../../src/versions/catalog.ts";
import { environmentOf, FOLDERS, only } from "../builders.ts";

const read = (inputs: Readonly<Record<string, string>>) => readInputs(environmentOf(inputs), FOLDERS);
const warnings = (inputs: Readonly<Record<string, string>>) => read(inputs).warnings;
const problemsOf = (inputs: Readonly<Record<string, string>>): readonly Problem[] => read(inputs).problems;

const NAMES = await readInputNames();
const ROWS = OTHER_ACTIONS.flatMap(({ name: action, inputs }) => inputs.map((input) => ({ action, ...input })));

test("every input of another action is refused with our name in the fix, and without a warning", () => {
  assert.ok(ROWS.length > 90, `${ROWS.length} rows`);
  for (const { action, name, ours, fix } of ROWS.filter(({ kept }) => kept !== true)) {
    const { problems, warnings: warned } = read({ [name]: "7" });
    const problem = only(problems);
    assert.equal(problem.input.toLowerCase(), name.toLowerCase());
    assert.ok(problem.reason.includes(action) && problem.fix.includes(fix), `${action}: ${describeProblem(problem)}`);
    for (const each of ours)
      assert.match(problem.fix, new RegExp(`(?<![\\w-])${each}(?![\\w-])`), `${action}: ${name}`);
    assert.deepEqual(warned, [], name);
  }
});

test("what other actions' inputs are said to be here, is here", () => {
  for (const { action, name, ours } of ROWS) {
    const missing = ours.filter((each) => !NAMES.includes(each));
    assert.deepEqual(missing, [], `${action}: ${name}`);
  }
});

test("our own inputs are never taken for those of others, whatever the case", () => {
  for (const name of NAMES) {
    for (const value of ["7", "true", "x"]) {
      const { problems, warnings: warned } = read({ [name]: value });
      assert.deepEqual(warned, [], name);
      assert.ok(!problems.some(({ reason }) => reason.includes("for an input of")), name);
    }
  }
  const refused = new Set(ROWS.filter(({ kept }) => kept !== true).map(({ name }) => name.toLowerCase()));
  assert.deepEqual(
    NAMES.filter((name) => refused.has(name)),
    [],
  );
  const kept = ROWS.filter(({ kept }) => kept === true).map(({ name }) => name);
  assert.deepEqual(
    kept.filter((name) => !NAMES.includes(name)),
    [],
  );
});

test("an input of several actions names ours for each of them", () => {
  const problem = only(problemsOf({ version: "v1.31.2" }));
  assert.match(
    problem.fix,
    /write kind-version in its place \(of helm\/kind-action, .* and container-tools\/kind-action\)/,
  );
  assert.match(problem.fix, /set install-only: true and kubectl-version \(of Azure\/setup-kubectl\)/);
  assert.match(problem.fix, /write kubernetes-version in its place \(of nolar\/setup-k3d-k3s\)/);
  assert.match(problem.allowed, /^kind-version, install-only, kubectl-version, kubernetes-version$/);
});

test("all are refused at once, in any case of letters, and secrets are not shown", () => {
  const problems = problemsOf({
    cluster_name: "demo",
    SKIPCLUSTERDELETION: "true",
    "registry-password": "s3cret",
    token: "t0ken",
    workers: "-1",
  });
  const lines = problems.map(describeProblem);
  assert.equal(lines.length, 5);
  assert.ok(lines.some((line) => line.startsWith('cluster_name: "demo" is for an input of helm/kind-action')));
  assert.ok(lines.some((line) => line.startsWith('skipClusterDeletion: "true" ')));
  assert.ok(lines.some((line) => /^workers: .*whole number/.test(line)));
  assert.doesNotMatch(lines.join("\n"), /s3cret|t0ken/);
});

test("no problem follows from the default of an input that was meant", () => {
  const rejected = findRejected(problemsOf({ cluster_name: "demo", config: "kind.yaml" }));
  assert.ok(rejected.has("cluster-name") && rejected.has("kind-config"));
});

test("a misspelled input is matched with the nearest one, and an unknown one is only named", () => {
  assert.match(only(warnings({ worker: "2" })), /worker \(did you mean workers\?\)/);
  assert.match(only(warnings({ "kubernets-version": "1.31" })), /did you mean kubernetes-version\?/);
  assert.match(only(warnings({ kubernetes_version: "s3cret" })), /did you mean kubernetes-version\?/);
  assert.doesNotMatch(only(warnings({ kubernetes_version: "s3cret" })), /s3cret/);
  assert.match(only(warnings({ frobnicate: "1" })), /no effect: frobnicate\. Fix: /);
});

test("our own inputs and empty ones cause no warning, and no problem", () => {
  for (const inputs of [{}, { workers: "1", "job-status": "success", config: "" }]) {
    assert.deepEqual([warnings(inputs), problemsOf(inputs)], [[], []]);
  }
});

test("no name makes the search throw, and each name is nearest to itself", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3 }), fc.string(), (name, value) => {
      nearestName(name, ["workers", "constructor"]);
      read({ [name]: value });
    }),
  );
  assert.equal(nearestName("workers", ["wait", "workers"]), "workers");
  for (const name of ["__proto__", "constructor", "toString"])
    assert.match(only(warnings({ [name]: "1" })), /no effect/);
});

test("a duration without its unit is refused with the unit in the fix", () => {
  assert.match(only(problemsOf({ wait: "60" })).fix, /60s/);
});

test("docs/migrating.md has every input of every action", async () => {
  const path = "docs/migrating.md";
  const text = await readFile(join(import.meta.dirname, "../../..", path), "utf8");
  const rendered = renderDocument(path, text, {
    actionYml: "",
    torchWorkflow: "",
    catalog: builtInCatalog(),
    faults: [],
  });
  for (const { name, ours, fix } of ROWS) {
    const row = rendered.split("\n").find((line) => line.startsWith(`| \`${name}\` |`) && line.includes(fix));
    assert.ok(row !== undefined && ours.every((each) => row.includes(`\`${each}\``)), name);
  }
});
