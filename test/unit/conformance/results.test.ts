import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readConformance } from "../../../scripts/docs/conformance.ts";
import { addResults, countResults, findWorse, type Results } from "../../conformance/results.ts";

const PASSED = { state: "passed", seconds: 3 } as const;
const FAILED = { state: "failed", seconds: 3 } as const;
const NONE: Results = { kubernetes: "1.28.15", tests: { a: {}, b: {}, c: { image: "d/e:1" } } };

test("a run adds to the results of earlier ones, and counts the tries of what it runs again", () => {
  const first = addResults(NONE, "action", new Map([["a", FAILED]]));
  const second = addResults(first, "kind", new Map([["a", PASSED]]));
  assert.deepEqual(findWorse(second), ["a"]);
  assert.deepEqual(countResults(second, "action"), { passed: 0, failed: 1, leftOut: 1, notRun: 1 });
  const third = addResults(second, "action", new Map([["a", PASSED]]));
  assert.deepEqual(third.tests.a, { action: { ...PASSED, tries: 2 }, kind: PASSED });
  assert.deepEqual(findWorse(third), []);
});

test("CI's part is at least 60 conformance tests, all of which passed on both clusters", async () => {
  const { fixed, results } = await readConformance(join(import.meta.dirname, "../../.."));
  const names = Object.values(fixed).flat();
  assert.ok(names.length >= 60, `${names.length} tests`);
  assert.equal(new Set(names).size, names.length);
  const tests = results.find(({ kubernetes }) => kubernetes.startsWith("1.28."))?.tests ?? {};
  for (const name of names) {
    assert.ok(Object.hasOwn(tests, name), name);
    const { action, kind } = tests[name] ?? {};
    assert.deepEqual([action?.state, kind?.state], ["passed", "passed"], name);
  }
});
