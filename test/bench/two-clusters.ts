import { copyFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { sh } from "../e2e/harness.ts";
import { readMachineSeconds } from "./cpu.ts";
import {
  createWithAction,
  median,
  prepareAction,
  printPhases,
  removeAction,
  type Subject,
  type Timed,
  timeMain,
} from "./create.ts";

const NAMES = ["bench-bologna", "bench-catania"] as const;
const KEY = "user.key";

/**
 * Two clusters with credentials for one key, against one: at once and in a row. What was downloaded once serves each of
 * them. The limit of both at once is the processors' work, of both in a row it is twice the time of one.
 */
export async function compareTwoClusters(subject: Subject, pairs: number) {
  const [ones, togethers, rows]: [Timed[], Timed[], Timed[]] = [[], [], []];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const one = await createWithAction(subject, 0, { "cluster-name": NAMES[0] });
    const together = await createTwo(subject, "at once");
    const row = await createTwo(subject, "in a row");
    printPhases(`pair ${pair}, one cluster`, one);
    printPhases(`pair ${pair}, two clusters at once`, together);
    printPhases(`pair ${pair}, two clusters in a row`, row);
    ones.push(one);
    togethers.push(together);
    rows.push(row);
  }
  const middle = (runs: readonly Timed[], of: (run: Timed) => number) => median(runs.map(of));
  const seconds = (runs: readonly Timed[]) => middle(runs, (run) => run.seconds);
  const work = (runs: readonly Timed[]) => middle(runs, (run) => run.work ?? Number.NaN);
  const limit = work(togethers) / availableParallelism() / seconds(ones);
  console.log(`    processors' work: one ${work(ones).toFixed(1)} s, two at once ${work(togethers).toFixed(1)} s`);
  console.log(`    limit of two at once, with every processor busy all the time: ${limit.toFixed(2)}\n`);
  return { atOnce: seconds(togethers) / seconds(ones), inARow: seconds(rows) / seconds(ones) };
}

/** Two clusters whose user has one key, which is there before, as for steps that run in the background. */
async function createTwo(subject: Subject, order: "at once" | "in a row"): Promise<Timed> {
  const runs = await Promise.all(
    NAMES.map((name) => prepareAction(subject, 0, { "cluster-name": name, "client-key": KEY })),
  );
  try {
    const [first] = runs;
    const key = join(first?.folders.workspace ?? "", KEY);
    await sh("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key]);
    for (const run of runs) if (run !== first) await copyFile(key, join(run.folders.workspace, KEY));
    const before = await readMachineSeconds();
    const start = performance.now();
    const timed: Timed[] = [];
    if (order === "at once") timed.push(...(await Promise.all(runs.map((run) => timeMain(run)))));
    else for (const run of runs) timed.push(await timeMain(run));
    const seconds = (performance.now() - start) / 1000;
    const work = (await readMachineSeconds()) - before;
    return { seconds, work, phases: timed.map((each, index) => [`${NAMES[index]} alone`, each.seconds] as const) };
  } finally {
    for (const run of runs) await removeAction(run);
  }
}
