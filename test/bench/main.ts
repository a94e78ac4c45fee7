import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Machine, prepareMachine, prepareRun, sh } from "../e2e/harness.ts";
import { bootByGuide, placeUnbuilt } from "./guide.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAIRS = Number(process.env.BENCH_PAIRS ?? 3);

/** One thing measured: a number a name, with the bar it is held to. */
interface Figure {
  readonly name: string;
  readonly value: number;
  readonly bar: number;
  readonly unit: string;
}

/** What a bare create and the Action are both given. */
interface Subject {
  readonly kind: string;
  readonly kubectl: string;
  readonly image: string;
}

interface Timed {
  readonly seconds: number;
  readonly phases: readonly (readonly [string, number])[];
}

/** A bare `kind create cluster`, and for several nodes the wait for the same readiness that the Action promises. */
async function createBare({ kind, kubectl, image }: Subject, workers: number): Promise<Timed> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-bench-"));
  const kubeconfig = join(folder, "kubeconfig");
  const nodes = [{ role: "control-plane" }, ...Array(workers).fill({ role: "worker" })];
  await writeFile(
    join(folder, "kind.json"),
    JSON.stringify({ kind: "Cluster", apiVersion: "kind.x-k8s.io/v1alpha4", nodes }),
  );
  const start = performance.now();
  const marks: [string, number][] = [];
  const mark = (name: string) => marks.push([name, (performance.now() - start) / 1000]);
  try {
    const args = ["create", "cluster", "--name=bench-bare", `--image=${image}`, `--kubeconfig=${kubeconfig}`];
    const child = spawn(kind, [...args, "--wait=5m", `--config=${join(folder, "kind.json")}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      const step = /^ ✓ (.*?)\s*\S*\s*$/u.exec(line)?.[1];
      if (step !== undefined) mark(step);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(`the bare create failed with exit code ${code}`);
    if (workers > 0) {
      const wait = (...what: readonly string[]) =>
        sh(kubectl, [`--kubeconfig=${kubeconfig}`, "wait", "--timeout=300s", ...what], 320);
      await Promise.all([
        wait("--for=condition=Ready", "nodes", "--all"),
        wait("--for=condition=Available", "--namespace=kube-system", "deployment/coredns"),
      ]);
      mark("every node Ready, CoreDNS available");
    }
    return { seconds: (performance.now() - start) / 1000, phases: marks };
  } finally {
    await sh(kind, ["delete", "cluster", "--name=bench-bare", `--kubeconfig=${kubeconfig}`]);
    await rm(folder, { recursive: true });
  }
}

/** A run of the Action's main, from its start to its end. */
interface TimedAction extends Timed {
  /** CPU seconds of its own process. */
  readonly cpu: number;
  /** CPU seconds of the whole machine meanwhile. */
  readonly work: number;
}

async function createWithAction(
  machine: Machine,
  workers: number,
  inputs: Readonly<Record<string, string>> = {},
): Promise<TimedAction> {
  const run = await prepareRun(machine, { "cluster-name": "bench-action", workers: String(workers), ...inputs });
  if (inputs.torch !== undefined) await placeUnbuilt(join(run.folders.workspace, inputs.torch));
  let cpu = 0;
  let sampler: NodeJS.Timeout | undefined;
  try {
    const before = await readMachineSeconds();
    const start = performance.now();
    const result = await run.main({
      onStart: (pid) => {
        sampler = setInterval(async () => {
          cpu = Math.max(cpu, await readCpuSeconds(pid));
        }, 50);
      },
    });
    const seconds = (performance.now() - start) / 1000;
    const work = (await readMachineSeconds()) - before;
    if (result.exitCode !== 0) throw new Error(result.log.join("\n"));
    const rows = result.summary.matchAll(/^\| ([^|]+) \| ([\d.]+) s \| ([\d.]+) s \|$/gm);
    const phases = [...rows].map(([, name = "", from, took]) => [name, Number(from) + Number(took)] as const);
    return { seconds, phases, cpu, work };
  } finally {
    clearInterval(sampler);
    await run.post();
    await run.dispose();
  }
}

/** User and system time of one process, its children left out (fields 14 and 15 of /proc/PID/stat, in 1/100 s). */
async function readCpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

/** CPU seconds that the whole machine has spent since it started: all of /proc/stat's first line but idle and iowait. */
async function readMachineSeconds(): Promise<number> {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (await readFile("/proc/stat", "utf8"))
    .split("\n", 1)
    .flatMap((line) => line.split(/\s+/).slice(1).map(Number));
  return (user + nice + system + irq + softirq) / 100;
}

/**
 * The whole boot of TORCH-V2, against the guide's steps in sequence and against the longest path: what one component
 * takes from its image to its service, the service layer's not before the credentials, or the processors' work. Same
 * images, same two nodes, and no layer built before.
 */
async function compareBoots(machine: Machine, subject: Subject) {
  const toGuide: number[] = [];
  const toLongestPath: number[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    const guide = await bootByGuide(subject);
    const cluster = await createWithAction(machine, 1);
    const action = await createWithAction(machine, 1, { torch: "torch_v2" });
    const work = action.work / availableParallelism();
    printPhases(`pair ${pair}, TORCH-V2 by the guide`, guide);
    printPhases(`pair ${pair}, TORCH-V2 by the Action`, action);
    const { dashboard, engine, services } = guide.components;
    const paths = {
      dashboard: dashboard.build + dashboard.start,
      engine: engine.build + engine.start,
      "service layer": Math.max(services.build, cluster.seconds) + services.start,
      "work per core": work,
    };
    const list = Object.entries(paths).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
    console.log(`    paths: ${list.join(", ")}`);
    toGuide.push(action.seconds / guide.seconds);
    toLongestPath.push(action.seconds / Math.max(...Object.values(paths)));
  }
  for (const [name, ratios] of Object.entries({ toGuide, toLongestPath })) {
    console.log(`    ${name}: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
  }
  return { toGuide: median(toGuide), toLongestPath: median(toLongestPath) };
}

/** Milliseconds from the start of the process to its own first word: outside a runner it has one and ends. */
async function startBundle(): Promise<number> {
  const start = performance.now();
  await new Promise((resolve) =>
    spawn(process.execPath, [join(ROOT, "dist/main.mjs")], { env: {}, stdio: "ignore" }).on("close", resolve),
  );
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

function printPhases(title: string, { seconds, phases }: Timed): void {
  console.log(`${title}: ${seconds.toFixed(1)} s`);
  for (const [name, at] of phases) console.log(`    ${at.toFixed(1).padStart(6)} s  ${name}`);
}

/** Alternating pairs: the machine's speed drifts, so each ratio is of two runs next to each other. */
async function compare(machine: Machine, subject: Subject, workers: number) {
  const ratios: number[] = [];
  const cpus: number[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    const bare = await createBare(subject, workers);
    const action = await createWithAction(machine, workers);
    printPhases(`pair ${pair}, bare create, ${workers + 1} node(s)`, bare);
    printPhases(`pair ${pair}, Action, ${workers + 1} node(s)`, action);
    ratios.push(action.seconds / bare.seconds);
    cpus.push(action.cpu);
  }
  console.log(`    ratios: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}\n`);
  return { ratio: median(ratios), cpu: median(cpus) };
}

const wanted = process.argv.slice(2);
const NAMES = ["credentials", "two-nodes", "torch", "bundle"];
const unknown = wanted.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) throw new Error(`nothing to measure: ${unknown.join(", ")}; there are ${NAMES.join(", ")}`);
const machine = await prepareMachine();
// A run that is not counted: afterwards everything is downloaded, and it tells what a bare create is to use.
const warm = await prepareRun(machine, { "cluster-name": "bench-warm", workers: "0" });
const first = await warm.main();
// The run's own copies go with it.
const tools = await mkdtemp(join(tmpdir(), "kind-torch-bench-tools-"));
const keep = async (output: string) => {
  const copy = join(tools, output);
  await copyFile(first.outputs[output] ?? "", copy);
  return copy;
};
const [kind, kubectl] = first.exitCode === 0 ? await Promise.all(["kind-path", "kubectl-path"].map(keep)) : ["", ""];
await warm.post();
await warm.dispose();
if (first.exitCode !== 0) throw new Error(first.log.join("\n"));
const subject: Subject = {
  kind: kind ?? "",
  kubectl: kubectl ?? "",
  image: first.outputs["node-image"] ?? "",
};

/** What can be measured by its name; without a name, all of it is. */
const MEASUREMENTS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  async credentials() {
    const { ratio, cpu } = await compare(machine, subject, 0);
    return [
      { name: "credentials-vs-bare-create", value: ratio, bar: 1, unit: "" },
      { name: "action-cpu-seconds", value: cpu, bar: 1.5, unit: "s" },
    ];
  },
  async "two-nodes"() {
    const { ratio } = await compare(machine, subject, 1);
    return [{ name: "two-nodes-vs-bare-create", value: ratio, bar: 1, unit: "" }];
  },
  async torch() {
    const { toGuide, toLongestPath } = await compareBoots(machine, subject);
    return [
      { name: "torch-vs-guide", value: toGuide, bar: 0.5, unit: "" },
      { name: "torch-vs-longest-path", value: toLongestPath, bar: 1.15, unit: "" },
    ];
  },
  async bundle() {
    const starts: number[] = [];
    for (let count = 0; count < 10; count += 1) starts.push(await startBundle());
    const files = await readdir(join(ROOT, "dist"));
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(ROOT, "dist", file))).size));
    return [
      { name: "bundle-start-milliseconds", value: median(starts), bar: 150, unit: "ms" },
      { name: "dist-megabytes", value: sizes.reduce((sum, size) => sum + size, 0) / 1e6, bar: 2.5, unit: "MB" },
    ];
  },
};
const RESULTS = join(ROOT, ".run/bench.json");

const figures: Figure[] = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(MEASUREMENTS)) {
  figures.push(...((await MEASUREMENTS[name]?.()) ?? []));
}
for (const { name, value, bar, unit } of figures) {
  console.log(`${name.padEnd(30)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(3)} (at most ${bar})`);
}
await mkdir(join(ROOT, ".run"), { recursive: true });
// What was not measured this time keeps its last value.
const before: object = JSON.parse(await readFile(RESULTS, "utf8").catch(() => "{}"));
const numbers = Object.fromEntries(figures.map(({ name, value }) => [name, Number(value.toFixed(3))]));
await writeFile(RESULTS, `${JSON.stringify({ ...before, ...numbers }, null, 2)}\n`);
const missed = figures.filter(({ value, bar }) => !(value <= bar));
for (const { name } of missed) console.error(`${name} misses its bar`);
process.exitCode = missed.length > 0 ? 1 : 0;
await rm(tools, { recursive: true });
