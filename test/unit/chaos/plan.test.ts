import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeRound, planRounds } from "../../chaos/plan.ts";

test("a seed gives the same rounds each time, and another one others", () => {
  const lines = (seed: number) => planRounds(50, seed).map(describeRound);
  assert.deepEqual(lines(7), lines(7));
  assert.notDeepEqual(lines(7), lines(8));
});

test("of fifty, ten fall in the second in which Docker makes the nodes and ten in Compose's; every kind occurs", () => {
  const rounds = planRounds(50, 1);
  const within = (place: string) => rounds.filter(({ moment }) => moment.within === place);
  assert.deepEqual([within("nodes").length, within("torch").length, within("run").length], [10, 10, 30]);
  assert.ok(within("torch").every(({ torch }) => torch));
  const kinds = new Set(rounds.map(({ signal, nodes, torch }) => `${signal} ${nodes} ${torch}`));
  assert.equal(kinds.size, 12);
});

test("the first rounds do not depend on how many there are, and fractions are from 0 to 1", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, count) => {
      assert.deepEqual(planRounds(40, seed).slice(0, count), planRounds(count, seed));
      for (const { moment } of planRounds(count, seed)) assert.ok(moment.fraction >= 0 && moment.fraction < 1);
    }),
    { numRuns: 200 },
  );
});
