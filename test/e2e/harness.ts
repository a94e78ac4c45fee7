import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { localFolders } from "../../scripts/local/open-run.ts";
import { runStep, type StepFolders, type StepRequest, type StepResult } from "../../scripts/local/runner.ts";
import { bedInputs, raiseBedFor } from "../../scripts/local/testbed.ts";
import { poll } from "../../src/poll.ts";
import { probe } from "../../testbed/probe-image.ts";

const execute = promisify(execFile);

/** The image that tests run as containers and pods, if it can be pulled; otherwise the test environment's, of the same program. */
export const OFFICIAL_PROBE = `${probe.official.host}/${probe.official.repository}:${probe.official.tag}`;

/** A machine on which clusters can be created: the test environment, or one that can pull the official images. */
export interface Machine {
  readonly probeImage: string;
  readonly inputs: (temp: string) => Promise<Readonly<Record<string, string>>>;
}

/** Prepares the machine; quick if it is ready. */
export async function prepareMachine(): Promise<Machine> {
  return machineOf(await raiseBedFor(undefined, console.error));
}

/** The machine of a test environment. */
export function machineOf(bed: Awaited<ReturnType<typeof raiseBedFor>>): Machine {
  return {
    probeImage: bed.official ? OFFICIAL_PROBE : bed.probeImage,
    inputs: (temp) => bedInputs(bed, temp),
  };
}

/** A run of the Action in folders of its own; tools come from the local tool cache, so that each is downloaded once. */
export interface ActionRun {
  readonly folders: StepFolders;
  main(options?: Partial<StepRequest>): Promise<StepResult>;
  post(options?: Partial<StepRequest>): Promise<StepResult>;
  dispose(): Promise<void>;
}

/** What the internet probe looks for in tests that are not about it: an address that always exists. */
const INSIDE = "kubernetes.default.svc.cluster.local 10.96.0.1:443";

/**
 * Prepares a run with these inputs; nothing is started yet.
 * @param earlier an earlier step of the same job, in whose folders this one runs too.
 */
export async function prepareRun(
  machine: Machine,
  inputs: Readonly<Record<string, string>>,
  earlier?: ActionRun,
): Promise<ActionRun> {
  const folders = earlier?.folders ?? (await makeFolders());
  const all = { ...(await machine.inputs(folders.temp)), artifact: "false", "internet-probe": INSIDE, ...inputs };
  let state: Readonly<Record<string, string>> = {};
  const step = async (entry: "main" | "post", options: Partial<StepRequest> = {}) => {
    const result = await runStep({ entry, folders, state, ...options, inputs: { ...all, ...options.inputs } });
    state = result.state;
    return result;
  };
  return {
    folders,
    main: (options) => step("main", options),
    post: (options) => step("post", options),
    dispose: () => rm(join(folders.workspace, ".."), { recursive: true, force: true }),
  };
}

async function makeFolders(): Promise<StepFolders> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-test-"));
  const folders = {
    workspace: join(root, "workspace"),
    temp: join(root, "temp"),
    toolCache: localFolders().toolCache,
  };
  await Promise.all([folders.workspace, folders.temp].map((path) => mkdir(path)));
  return folders;
}

/** Runs a program to its end. @returns what it printed. @throws what it printed, if it fails. */
export async function sh(file: string, args: readonly string[], seconds = 120): Promise<string> {
  try {
    const { stdout } = await execute(file, [...args], { timeout: seconds * 1000, maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  } catch (error) {
    const words = error instanceof Error && "stderr" in error ? `${error.message}\n${error.stderr}` : String(error);
    throw new Error(words);
  }
}

/** Runs a program that is expected to fail. @returns what it printed. */
export async function failing(file: string, args: readonly string[], seconds = 120): Promise<string> {
  try {
    await execute(file, [...args], { timeout: seconds * 1000 });
  } catch (error) {
    return error instanceof Error && "stderr" in error ? `${error.message}\n${error.stderr}` : String(error);
  }
  throw new Error(`${file} ${args.join(" ")} was expected to fail, and did not`);
}

/** The names of a kind cluster's containers that Docker has; those of every cluster if the name is empty. */
export async function dockerLeftovers(cluster: string): Promise<readonly string[]> {
  const names = await sh("docker", [
    "ps",
    "--all",
    "--filter",
    `label=io.x-k8s.kind.cluster${cluster === "" ? "" : `=${cluster}`}`,
    "--format",
    "{{.Names}}",
  ]);
  return names.split("\n").filter((name) => name !== "");
}

/** The volumes that containers have. */
export async function volumesOf(containers: readonly string[]): Promise<readonly string[]> {
  const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}';
  const names = await sh("docker", ["inspect", "--format", format, ...containers]);
  return names.split("\n").filter((name) => name !== "");
}

/** Docker's volumes. */
export async function volumes(): Promise<readonly string[]> {
  return (await sh("docker", ["volume", "ls", "--quiet"])).split("\n").filter((name) => name !== "");
}

/** The processes on this machine whose environment or command names a text. */
export async function processesNaming(text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const [environment, command] = await Promise.all([read("environ"), read("cmdline")]);
    if (environment.includes(text) || command.includes(text)) found.push(`${pid} ${command.replaceAll("\0", " ")}`);
  }
  return found;
}

/** Waits until a condition holds. @throws an error that names it, if it does not hold in time. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean>,
  seconds = 60,
  everyMilliseconds = 100,
): Promise<void> {
  const ask = async () => ((await holds()) ? true : undefined);
  const held = await poll(ask, { everyMilliseconds, forMilliseconds: seconds * 1000 });
  if (held === undefined) throw new Error(`timed out after ${seconds} s: ${what}`);
}

/** Takes a lock on this machine: a file with its owner's process id. A lock whose owner has ended is taken over. */
export async function takeLock(path: string): Promise<void> {
  const owner = Number(await readFile(path, "utf8").catch(() => "0"));
  const alive = owner > 0 && (await readFile(`/proc/${owner}/stat`, "utf8").catch(() => "")) !== "";
  if (alive) throw new Error(`${path} is held by process ${owner}`);
  await rm(path, { force: true });
  await writeFile(path, String(process.pid), { flag: "wx" });
}
