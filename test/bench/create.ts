import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { StepRequest } from "../../scripts/local/runner.ts";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { kubeletPatches } from "../../testbed/releases.ts";
import { type ActionRun, type Machine, prepareMachine, prepareRun, sh } from "../e2e/harness.ts";
import { readCpuSeconds, readMachineSeconds } from "./cpu.ts";
import { placeUnbuilt } from "./guide.ts";

/** What a bare create and the Action are both given. */
export interface Subject {
  readonly machine: Machine;
  readonly kubernetes: string;
  readonly kind: string;
  readonly kubectl: string;
  readonly image: string;
  /** Variables of the Action's step, and how its TORCH-V2 is placed, where they are not as usual. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly place?: (folder: string) => Promise<void>;
}

function configurationOf(kubernetes: string, workers: number): string {
  return JSON.stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    nodes: [{ role: "control-plane" }, ...Array(workers).fill({ role: "worker" })],
    kubeadmConfigPatches: kubeletPatches(kubernetes),
  });
}

const runs = new Set<ActionRun>();
const folders = new Set<string>();
const children = new Set<ChildProcess>();

/** Removes what an interrupted comparison has created: the Action's, the bare create's and the guide's. */
export async function removeBenchClusters(): Promise<void> {
  for (const child of children) child.kill("SIGKILL");
  for (const run of runs) {
    await run.post();
    await run.dispose();
  }
  const filters = ["bare", "guide"].map((name) => `--filter=label=io.x-k8s.kind.cluster=bench-${name}`);
  for (const filter of [...filters, "--filter=name=^/?bench-guide", "--filter=name=^/?buildx_buildkit_bench-"]) {
    const ids = await sh("docker", ["ps", "--all", "--quiet", filter]);
    if (ids !== "") await sh("docker", ["rm", "--force", "--volumes", ...ids.split("\n")]);
  }
  const volumes = await sh("docker", ["volume", "ls", "--quiet", "--filter=name=^buildx_buildkit_bench-"]);
  if (volumes !== "") await sh("docker", ["volume", "rm", ...volumes.split("\n")]);
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

/** The subject of a Kubernetes version. A run that is not counted downloads everything, and shows what both sides use. */
export async function prepareSubject(kubernetes: string): Promise<Subject> {
  await raiseBedFor(kubernetes, console.error);
  const machine = await prepareMachine();
  const warm = await prepareRun(machine, {
    "cluster-name": "bench-warm",
    "kubernetes-version": kubernetes,
    "kind-config": configurationOf(kubernetes, 0),
  });
  runs.add(warm);
  // The run's own copies are removed with it.
  const tools = await mkdtemp(join(tmpdir(), "kind-torch-bench-tools-"));
  folders.add(tools);
  try {
    const { exitCode, outputs, log } = await warm.main();
    if (exitCode !== 0) throw new Error(log.join("\n"));
    const [kind, kubectl] = ["kind", "kubectl"].map((tool) => join(tools, tool));
    await copyFile(outputs["kind-path"] ?? "", kind ?? "");
    await copyFile(outputs["kubectl-path"] ?? "", kubectl ?? "");
    return { machine, kubernetes, kind: kind ?? "", kubectl: kubectl ?? "", image: outputs["node-image"] ?? "" };
  } finally {
    await warm.post();
    await warm.dispose();
    runs.delete(warm);
  }
}

/** Seconds until something was done, with the moments of its phases. */
export interface Timed {
  readonly seconds: number;
  readonly phases: readonly (readonly [string, number])[];
  /** CPU seconds of the whole machine during that time. */
  readonly work?: number;
}

/** A bare `kind create cluster`, and for several nodes the wait for the same readiness as the Action's. */
export async function createBare(subject: Subject, workers: number): Promise<Timed> {
  const { kind, kubectl, image, kubernetes } = subject;
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-bench-"));
  const kubeconfig = join(folder, "kubeconfig");
  folders.add(folder);
  await writeFile(join(folder, "kind.json"), configurationOf(kubernetes, workers));
  const before = await readMachineSeconds();
  const start = performance.now();
  const marks: [string, number][] = [];
  const mark = (name: string) => marks.push([name, (performance.now() - start) / 1000]);
  try {
    const args = ["create", "cluster", "--name=bench-bare", `--image=${image}`, `--kubeconfig=${kubeconfig}`];
    const child = spawn(kind, [...args, "--wait=5m", `--config=${join(folder, "kind.json")}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.add(child);
    createInterface({ input: child.stderr }).on("line", (line) => {
      const step = /^ ✓ (.*?)\s*\S*\s*$/u.exec(line)?.[1];
      if (step !== undefined) mark(step);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    children.delete(child);
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
    const seconds = (performance.now() - start) / 1000;
    return { seconds, phases: marks, work: (await readMachineSeconds()) - before };
  } finally {
    await sh(kind, ["delete", "cluster", "--name=bench-bare", `--kubeconfig=${kubeconfig}`]);
    await rm(folder, { recursive: true });
  }
}

/** A run of the Action's main, from its start to its end. */
export interface TimedAction extends Timed {
  /** CPU seconds of its own process. */
  readonly cpu: number;
  readonly work: number;
}

/** A run of the Action with this many workers; nothing is started yet. */
export async function prepareAction(
  { machine, kubernetes }: Subject,
  workers: number,
  inputs: Readonly<Record<string, string>> = {},
): Promise<ActionRun> {
  const run = await prepareRun(machine, {
    "cluster-name": "bench-action",
    "kubernetes-version": kubernetes,
    ...(kubeletPatches(kubernetes).length > 0
      ? { "kind-config": configurationOf(kubernetes, workers) }
      : { workers: String(workers) }),
    ...inputs,
  });
  runs.add(run);
  return run;
}

/** Runs the Action's main. @param afterwards what is measured with it. */
export async function timeMain(
  run: ActionRun,
  afterwards?: () => Promise<unknown>,
  options: Pick<Partial<StepRequest>, "environment" | "folders"> = {},
): Promise<TimedAction> {
  let cpu = 0;
  let sampler: NodeJS.Timeout | undefined;
  try {
    const before = await readMachineSeconds();
    const start = performance.now();
    const result = await run.main({
      ...options,
      onStart: (pid) => {
        sampler = setInterval(async () => {
          cpu = Math.max(cpu, await readCpuSeconds(pid));
        }, 50);
      },
    });
    await afterwards?.();
    const seconds = (performance.now() - start) / 1000;
    const work = (await readMachineSeconds()) - before;
    if (result.exitCode !== 0) throw new Error(result.log.join("\n"));
    const rows = result.summary.matchAll(/^\| ([^|]+) \| ([\d.]+) s \| ([\d.]+) s \|$/gm);
    const phases = [...rows].map(([, name = "", from, took]) => [name, Number(from) + Number(took)] as const);
    return { seconds, phases, cpu, work };
  } finally {
    clearInterval(sampler);
  }
}

/** Removes what a run created. */
export async function removeAction(run: ActionRun): Promise<void> {
  await run.post();
  await run.dispose();
  runs.delete(run);
}

/** The Action's main with this many workers. @param afterwards what is measured with it. */
export async function createWithAction(
  subject: Subject,
  workers: number,
  inputs: Readonly<Record<string, string>> = {},
  afterwards?: () => Promise<unknown>,
): Promise<TimedAction> {
  const run = await prepareAction(subject, workers, inputs);
  try {
    const { place = placeUnbuilt, environment = {} } = subject;
    if (inputs.torch !== undefined) await place(join(run.folders.workspace, inputs.torch));
    return await timeMain(run, afterwards, { environment });
  } finally {
    await removeAction(run);
  }
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

/** Prints when each phase was over. */
export function printPhases(title: string, { seconds, phases, work }: Timed): void {
  const processors = work === undefined ? "" : `, ${work.toFixed(1)} CPU s`;
  console.log(`${title}: ${seconds.toFixed(1)} s${processors}`);
  for (const [name, at] of phases) console.log(`    ${at.toFixed(1).padStart(6)} s  ${name}`);
}
