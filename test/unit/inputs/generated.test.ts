import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepResult } from "../../../scripts/local/runner.ts";
import { type Evidence, judge } from "../../inputs/judge.ts";
import { describeSet, type InputSet, planSet, planSets } from "../../inputs/plan.ts";

test("a seed gives the same sets each time, however many there are, and another one others", () => {
  const lines = (seed: number, count: number) => planSets(count, seed).map(describeSet);
  assert.deepEqual(lines(7, 50), lines(7, 80).slice(0, 50));
  assert.notDeepEqual(lines(7, 5), lines(8, 5));
  assert.equal(describeSet(planSet(7, 30)), lines(7, 30).at(-1));
  const sets = planSets(500, 1);
  assert.ok(sets.filter(({ configuration }) => configuration !== undefined).length > 250);
  assert.ok(sets.some(({ configuration }) => configuration?.encoding === "utf16le"));
});

const DOCKER = 'runs-on: "Docker Engine" is not installed. Allowed: one. Fix: install it.';
const SET: InputSet = {
  name: "a set",
  inputs: { workers: { text: "-1", expected: "invalid" }, user: { text: "torch", expected: "valid" } },
  configuration: undefined,
  latest: false,
};

/** What a step leaves that refuses the set as it should. */
function evidence(change: Partial<StepResult> & { readonly problems?: readonly string[] } = {}): Evidence {
  const problems = change.problems ?? ['workers: "-1" is no number. Allowed: 0 to 50. Fix: write one.', DOCKER];
  const head = `${problems.length} problem(s) with the inputs. Nothing was changed.`;
  const log = ["::endgroup::", `::error::${[head, ...problems].join("%0A")}`, "::debug::Error%0A    at x (a.ts:1:2)"];
  const files = { outputs: {}, state: { main: "1" }, variables: {}, paths: [], summary: "The cluster was not set up" };
  return { result: { exitCode: 1, signal: null, masks: [], log, ...files, ...change }, made: [], verdict: undefined };
}

const faultsOf = (change: Parameters<typeof evidence>[0]) => judge(SET, evidence(change)).faults.join("\n");
const withLine = (line: string) => ({ log: [...evidence().result.log, line] });

test("what a step does with wrong inputs is judged: nothing is wrong with a refusal", () => {
  assert.deepEqual(judge(SET, evidence()), { outcome: "inputs alone: refused", faults: [] });
});

test("each thing that must not be is seen", () => {
  const user = 'user: "torch" is no name. Allowed: names. Fix: write one.';
  const cases: readonly (readonly [Parameters<typeof evidence>[0], RegExp])[] = [
    [{ exitCode: 0 }, /ended with 0/],
    [{ exitCode: null, signal: "SIGKILL" }, /ended with SIGKILL/],
    [{ outputs: { endpoint: "x" } }, /has the output endpoint/],
    [{ state: { main: "1", directory: "x" } }, /has the state directory/],
    [{ summary: "" }, /has no summary/],
    [{ log: ["TypeError: x", "    at main (main.mjs:1:2)"] }, /a stack trace: TypeError[\s\S]*no report/],
    [{ log: ["::error::main broke"] }, /no report/],
    [{ log: [evidence().result.log[1]?.slice(0, -20) ?? ""] }, /no report/],
    [withLine("    at read (file:///main.mjs:1:2)"), /a stack trace/],
    [withLine("::set-output name=a::b"), /not a command of the step's/],
    [withLine("::warning::planted"), /a value became a command/],
    [{ problems: [DOCKER] }, /workers is wrong, and is not refused/],
    [
      { problems: [...['workers: "-1" is no number. Allowed: 0. Fix: write one.', user], DOCKER] },
      /user is right, and is refused/,
    ],
  ];
  for (const [change, expected] of cases) assert.match(faultsOf(change), expected);
  assert.match(judge(SET, { ...evidence(), made: ["workspace/planted"] }).faults.join(), /is left: workspace\/planted/);
});

test("what kind says to a configuration is compared", () => {
  const verdict = { accepted: false, words: "ERROR: x" } as const;
  const strange = 'kind-config: "inline" is strange. Allowed: others. Fix: write another.';
  const known = 'kind-config: "inline" line 1, column 1: name cannot be a cluster\'s name: A. Allowed: a. Fix: b.';
  const compare = (problems: readonly string[], accepted: boolean) =>
    judge({ ...SET, inputs: {} }, { ...evidence({ problems }), verdict: accepted ? { accepted } : verdict });
  assert.deepEqual(compare([DOCKER], true), { outcome: "kind-config: accepted by both", faults: [] });
  assert.match(compare([strange, DOCKER], true).faults.join(), /kind accepts it; we: .*is strange/);
  assert.deepEqual(compare([known, DOCKER], true).faults, []);
  assert.deepEqual(compare([strange, DOCKER], false), { outcome: "kind-config: refused by both", faults: [] });
  assert.deepEqual(compare([DOCKER], false).faults, ["accepted by us; kind: ERROR: x"]);
});
