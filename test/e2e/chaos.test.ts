import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { before, describe, it } from "node:test";
import { describeRound, planRounds } from "../chaos/plan.ts";
import { runRound } from "../chaos/round.ts";
import { type Machine, prepareMachine } from "./harness.ts";

const ROUNDS = 10;
const seed = randomInt(2 ** 31);

/** Other moments each time: what fails is repeated with `npm run chaos -- 10 --seed <number> --only <round>`. */
describe(`main ended at random moments, then post (seed ${seed}): nothing is left`, () => {
  let machine: Machine;
  before(async () => {
    machine = await prepareMachine();
  });

  for (const round of planRounds(ROUNDS, seed)) {
    it(describeRound(round), async () => {
      const { left, lastLine } = await runRound(round, machine);
      assert.deepEqual(left, [], `seed ${seed}, after "${lastLine}"`);
    });
  }
});
