import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type ActionRun, sh } from "../e2e/harness.ts";
import { readMachineSeconds } from "./cpu.ts";
import { median, prepareAction, printPhases, removeAction, type Subject, type Timed, timeMain } from "./create.ts";

const NAMES = ["bench-bologna", "bench-catania"] as const;
const KEY = "user.key";

/**
 * Two clusters with credentials for one key, against one: at once and in a row. Each begins as a job on a new machine does,
 * without kind, kubectl and the node image; what the first cluster has downloaded serves the second. The limit of both at
 * once is the processors' work; of both in a row it is twice the time of one without its downloads.
 */
export async function compareTwoClusters(subject: Subject, pairs: number) {
  const [ones, togethers, rows]: [Timed[], Timed[], Timed[]] = [[], [], []];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const one = await createNew(subject, NAMES.slice(0, 1), "in a row");
    const together = await createNew(subject, NAMES, "at once");
    const row = await createNew(subject, NAMES, "in a row");
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

/** Clusters whose user has one key, which is there before, as for steps that run in the background. */
async function createNew(subject: Subject, names: readonly string[], order: "at once" | "in a row"): Promise<Timed> {
  const runs = await Promise.all(
    names.map((name) => prepareAction(subject, 0, { "cluster-name": name, "client-key": KEY })),
  );
  const toolCache = await mkdtemp(join(tmpdir(), "kind-torch-bench-tools-"));
  const time = (run: ActionRun) => timeMain(run, undefined, { folders: { ...run.folders, toolCache } });
  await sh("docker", ["image", "rm", "--force", subject.image.replace(/@.*/, "")]);
  await sh("docker", ["image", "rm", "--force", subject.image]).catch(() => undefined);
  try {
    const [first] = runs;
    const key = join(first?.folders.workspace ?? "", KEY);
    await sh("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key]);
    for (const run of runs) if (run !== first) await copyFile(key, join(run.folders.workspace, KEY));
    const before = await readMachineSeconds();
    const start = performance.now();
    const timed: Timed[] = [];
    if (order === "at once") timed.push(...(await Promise.all(runs.map(time))));
    else for (const run of runs) timed.push(await time(run));
    const seconds = (performance.now() - start) / 1000;
    const work = (await readMachineSeconds()) - before;
    return { seconds, work, phases: timed.flatMap((each, index) => phasesOf(names[index] ?? "", each)) };
  } finally {
    for (const run of runs) await removeAction(run);
    await rm(toolCache, { recursive: true, force: true });
  }
}

function phasesOf(name: string, { seconds, phases }: Timed): readonly (readonly [string, number])[] {
  return [[name, seconds], ...phases.map(([phase, at]) => [`${name}: ${phase}`, at] as const)];
}
