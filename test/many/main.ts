import { prepareMachine } from "../e2e/harness.ts";
import { PREFIX, prepareRuns } from "./runs.ts";
import { describeStates, findDifferences, readMachine } from "./state.ts";

const USAGE = "npm run many -- <runs>";

const count = Number(process.argv[2] ?? 100);
if (!Number.isInteger(count) || count < 1) throw new Error(`Usage: ${USAGE}`);

const runs = await prepareRuns(await prepareMachine());
try {
  // What the first one fetches and creates for all (images, tools, kind's network) stays, as the documentation says.
  await runs.next();
  const before = await readMachine(PREFIX, runs.places);
  for (let number = 1; number <= count; number += 1) {
    const { main, post } = await runs.next();
    console.log(`run ${number}: main ${main.toFixed(1)} s, post ${post.toFixed(1)} s`);
  }
  const after = await readMachine(PREFIX, runs.places);
  const left = findDifferences(before, after);
  console.log(`\n${"".padEnd(38)}${"before".padStart(14)}${"after".padStart(14)}`);
  console.log(describeStates(before, after).join("\n"));
  for (const line of left) console.log(line);
  console.log(`after ${count} runs ${left.length === 0 ? "all is where it was" : `${left.length} differences`}`);
  process.exitCode = left.length === 0 ? 0 : 1;
} finally {
  await runs.dispose();
}
