import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { prepareMachine } from "../e2e/harness.ts";
import { describeRound, planRounds } from "./plan.ts";
import { runRound } from "./round.ts";

const USAGE = "npm run chaos -- <rounds> [--seed <number>] [--only <round>]";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, only: { type: "string" } },
});
const count = Number(positionals[0] ?? 50);
const seed = Number(values.seed ?? randomInt(2 ** 31));
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) throw new Error(`Usage: ${USAGE}`);

const machine = await prepareMachine();
console.log(`seed ${seed}`);
const rounds = planRounds(count, seed).filter(
  ({ number }) => values.only === undefined || number === Number(values.only),
);
let clean = 0;
for (const round of rounds) {
  const { seconds, lastLine, left } = await runRound(round, machine);
  clean += left.length === 0 ? 1 : 0;
  console.log(`${describeRound(round)} (${seconds.toFixed(1)} s, after "${lastLine.slice(0, 60)}")`);
  console.log(left.length === 0 ? "  nothing is left" : left.map((line) => `  left: ${line}`).join("\n"));
}
console.log(`nothing left in ${clean} of ${rounds.length}; repeat with --seed ${seed}`);
process.exitCode = clean === rounds.length ? 0 : 1;
