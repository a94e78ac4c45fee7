import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { number, record, string } from "valibot";
import { readJson } from "../../src/values/json.ts";
import { newestMinor } from "../../testbed/releases.ts";
import { sh } from "../e2e/harness.ts";
import { compareBoots } from "./boots.ts";
import { compareCached, compareKept } from "./cached.ts";
import {
  createBare,
  createWithAction,
  median,
  prepareSubject,
  printPhases,
  removeBenchClusters,
  type Subject,
} from "./create.ts";
import { compareTwoClusters } from "./two-clusters.ts";

const ROOT = join(import.meta.dirname, "../..");
const RESULTS = join(ROOT, ".run/bench.json");
const PAIRS = Number(process.env.BENCH_PAIRS ?? 3);

/** A measured number, with the bar that it must not exceed. */
interface Figure {
  readonly name: string;
  readonly value: number;
  readonly bar: number;
  readonly unit: string;
}

/** Alternating pairs: the machine's speed drifts, so each ratio is of two runs next to each other. */
async function compare(subject: Subject, workers: number, pairs: number) {
  const ratios: number[] = [];
  const cpus: number[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const bare = await createBare(subject, workers);
    const action = await createWithAction(subject, workers);
    printPhases(`pair ${pair}, bare create, ${workers + 1} node(s)`, bare);
    printPhases(`pair ${pair}, Action, ${workers + 1} node(s)`, action);
    ratios.push(action.seconds / bare.seconds);
    cpus.push(action.cpu);
  }
  console.log(`    ratios: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}\n`);
  return { ratio: median(ratios), cpu: median(cpus) };
}

/** Milliseconds from the start of the process to its end: outside a runner it prints one error and ends. */
async function startBundle(): Promise<number> {
  const start = performance.now();
  await new Promise((resolve) =>
    spawn(process.execPath, [join(ROOT, "dist/main.mjs")], { env: {}, stdio: "ignore" }).on("close", resolve),
  );
  return performance.now() - start;
}

const OLDEST = "1.28";
const NEWEST = newestMinor();
const subjects = new Map<string, Promise<Subject>>();
const subjectOf = (kubernetes: string) => {
  const subject = subjects.get(kubernetes) ?? prepareSubject(kubernetes);
  subjects.set(kubernetes, subject);
  return subject;
};

/** A create to compare with the bare one. */
interface Create {
  readonly kubernetes: string;
  readonly workers: number;
  readonly bar: number;
  readonly pairs?: number;
}

async function compareCreates(
  name: string,
  { kubernetes, workers, bar, pairs = PAIRS }: Create,
): Promise<readonly Figure[]> {
  const { ratio, cpu } = await compare(await subjectOf(kubernetes), workers, pairs);
  return [
    { name: `${name}-vs-bare-create`, value: ratio, bar, unit: "" },
    ...(name === "credentials" ? [{ name: "action-cpu-seconds", value: cpu, bar: 1.5, unit: "s" }] : []),
  ];
}

/** An image loaded by the step, against a step without it and `kind load docker-image` afterwards. */
async function compareLoads(): Promise<readonly Figure[]> {
  const subject = await subjectOf(OLDEST);
  const image = subject.machine.probeImage;
  const ratios: number[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    const apart = await createWithAction(subject, 1, {}, () =>
      sh(subject.kind, ["load", "docker-image", image, "--name=bench-action"], 300),
    );
    const action = await createWithAction(subject, 1, { "load-images": image });
    printPhases(`pair ${pair}, Action, then kind load docker-image`, apart);
    printPhases(`pair ${pair}, Action with load-images`, action);
    ratios.push(action.seconds / apart.seconds);
  }
  console.log(`    ratios: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}\n`);
  return [{ name: "load-images-vs-kind-load", value: median(ratios), bar: 0.8, unit: "" }];
}

/** A step with a registry beside the cluster, against one without, each of them once before. */
async function compareRegistries(name: string, kubernetes: string): Promise<readonly Figure[]> {
  const subject = await subjectOf(kubernetes);
  const inputs = { registry: "true", "registry-port": "5029" };
  await createWithAction(subject, 0, inputs);
  const differences: number[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    const without = await createWithAction(subject, 1);
    const beside = await createWithAction(subject, 1, inputs);
    printPhases(`pair ${pair}, Action`, without);
    printPhases(`pair ${pair}, Action with registry`, beside);
    differences.push(beside.seconds - without.seconds);
  }
  console.log(`    differences: ${differences.map((each) => each.toFixed(2)).join(", ")} s\n`);
  return [{ name: `${name}-added-seconds`, value: median(differences), bar: 1, unit: "s" }];
}

type Measurement = () => Promise<readonly Figure[]>;

/** What is measured if no name is given. */
const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  credentials: () => compareCreates("credentials", { kubernetes: OLDEST, workers: 0, bar: 0.45 }),
  "two-nodes": () => compareCreates("two-nodes", { kubernetes: OLDEST, workers: 1, bar: 0.45 }),
  "newest-credentials": () => compareCreates("newest-credentials", { kubernetes: NEWEST, workers: 0, bar: 0.6 }),
  "newest-two-nodes": () => compareCreates("newest-two-nodes", { kubernetes: NEWEST, workers: 1, bar: 0.6 }),
  async torch() {
    const { toGuide, toLongestPath } = await compareBoots(await subjectOf(OLDEST), PAIRS);
    return [
      // Nothing is kept yet: the dashboard's own path is 0.7 of the guide's time.
      { name: "torch-first-vs-guide", value: toGuide, bar: 0.85, unit: "" },
      { name: "torch-first-vs-longest-path", value: toLongestPath, bar: 1.15, unit: "" },
    ];
  },
  async bundle() {
    const starts: number[] = [];
    for (let count = 0; count < 10; count += 1) starts.push(await startBundle());
    const files = await readdir(join(ROOT, "dist"));
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(ROOT, "dist", file))).size));
    return [
      { name: "bundle-start-milliseconds", value: median(starts), bar: 150, unit: "ms" },
      { name: "dist-megabytes", value: sizes.reduce((sum, size) => sum + size, 0) / 1e6, bar: 2.3, unit: "MB" },
    ];
  },
};

/** What is measured only if it is named. */
const BY_NAME: Readonly<Record<string, Measurement>> = {
  "load-images": compareLoads,
  registry: () => compareRegistries("registry", OLDEST),
  "newest-registry": () => compareRegistries("newest-registry", NEWEST),
  async "two-clusters"() {
    const { atOnce, inARow } = await compareTwoClusters(await subjectOf(OLDEST), PAIRS);
    return [
      { name: "two-clusters-at-once-vs-one", value: atOnce, bar: 1.6, unit: "" },
      // Twice what one takes without its downloads: 1.6 needs downloads of two thirds of that.
      { name: "two-clusters-in-a-row-vs-one", value: inARow, bar: 1.7, unit: "" },
    ];
  },
  async "torch-cached"() {
    return [{ name: "torch-cached", value: await compareCached(await subjectOf(OLDEST), PAIRS), bar: 0.5, unit: "" }];
  },
  async "torch-kept"() {
    const subject = await subjectOf(OLDEST);
    const kept = await compareKept(subject, PAIRS, "as real ones");
    return [
      { name: "torch-vs-guide", value: kept.toGuide, bar: 0.45, unit: "" },
      { name: "torch-vs-longest-path", value: kept.toWork, bar: 1.05, unit: "" },
    ];
  },
  async "torch-kept-quick-builds"() {
    const { toGuide } = await compareKept(await subjectOf(OLDEST), PAIRS, "as the fixture's");
    return [{ name: "torch-quick-builds-vs-guide", value: toGuide, bar: 0.6, unit: "" }];
  },
  "nodes-8": () => compareCreates("nodes-8", { kubernetes: OLDEST, workers: 7, bar: 0.6, pairs: Math.min(PAIRS, 2) }),
  "nodes-16": () => compareCreates("nodes-16", { kubernetes: OLDEST, workers: 15, bar: 0.7, pairs: 1 }),
};

const all = { ...MEASUREMENTS, ...BY_NAME };
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(all, name));
if (unknown.length > 0) {
  throw new Error(`Not a measurement: ${unknown.join(", ")}. Fix: choose from ${Object.keys(all).join(", ")}.`);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // Not once: a signal to the process group and one to this process come together.
  process.on(signal, () => void removeBenchClusters().finally(() => process.exit(1)));
}
const figures: Figure[] = [];
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(MEASUREMENTS)) {
    figures.push(...((await all[name]?.()) ?? []));
  }
} finally {
  await removeBenchClusters();
}
for (const { name, value, bar, unit } of figures) {
  console.log(`${name.padEnd(34)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(3)} (at most ${bar})`);
}
await mkdir(join(ROOT, ".run"), { recursive: true });
// What was not measured this time keeps its previous value.
const before = readJson(record(string(), number()), await readFile(RESULTS, "utf8").catch(() => "{}"));
const numbers = Object.fromEntries(figures.map(({ name, value }) => [name, Number(value.toFixed(3))]));
await writeFile(RESULTS, `${JSON.stringify({ ...before, ...numbers }, null, 2)}\n`);
const missed = figures.filter(({ value, bar }) => !(value <= bar));
for (const { name } of missed) console.error(`${name} is above its bar`);
process.exitCode = missed.length > 0 ? 1 : 0;
