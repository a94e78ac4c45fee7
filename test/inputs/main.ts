import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import pLimit from "p-limit";
import { prepareMachine } from "../e2e/harness.ts";
import { prepareKind } from "./kind.ts";
import { describeSet, planSet } from "./plan.ts";
import { runSet } from "./round.ts";

const USAGE = "npm run inputs -- <sets> [--seed <number>] [--from <set>] [--only <set>]";

/** Each is a process, and mostly loads the bundle. */
const CONCURRENCY = 2;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, from: { type: "string" }, only: { type: "string" } },
});
const count = Number(positionals[0] ?? 10_000);
const seed = Number(values.seed ?? randomInt(2 ** 31));
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) throw new Error(`Usage: ${USAGE}`);

const machine = await prepareMachine();
const kind = await prepareKind(machine);
console.log(`seed ${seed}`);
const first = Number(values.from ?? 1);
const numbers =
  values.only === undefined
    ? Array.from({ length: count - first + 1 }, (_, index) => first + index)
    : [Number(values.only)];
const outcomes = new Map<string, number>();
let wrong = 0;
let done = 0;
let stopped = false;
const limit = pLimit(CONCURRENCY);
// Ended early, it says what it has found so far.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopped = true;
  });
}
try {
  await limit.map(numbers, async (number) => {
    if (stopped) return;
    const set = planSet(seed, number);
    const { outcome, faults } = await runSet(set, { machine, kind });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    done += 1;
    if (faults.length > 0) {
      wrong += 1;
      console.log([describeSet(set), ...faults.map((fault) => `  WRONG: ${fault}`)].join("\n"));
    } else if (values.only !== undefined) console.log(`${describeSet(set)}\n  ${outcome}`);
    if (done % 500 === 0) console.log(`${done} of ${numbers.length}, ${wrong} wrong`);
  });
} finally {
  await kind.dispose();
}
for (const [outcome, times] of [...outcomes].toSorted(([, a], [, b]) => b - a)) console.log(`${times} ${outcome}`);
console.log(`${done - wrong} of ${done} as promised; repeat with --seed ${seed}`);
process.exitCode = wrong === 0 ? 0 : 1;
