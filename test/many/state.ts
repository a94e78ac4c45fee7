import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { localFolders } from "../../scripts/local/open-run.ts";
import { processesNaming, sh } from "../e2e/harness.ts";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";

/** How much there is of something on the machine. */
export interface Amount {
  readonly amount: number;
  /** What it is made of, where each counts: nothing of it may differ. */
  readonly items?: readonly string[];
  /** By how much the amount may differ, where it has no items, and why. */
  readonly tolerance?: { readonly amount: number; readonly why: string };
}

/** What runs could leave behind on a machine, by name. */
export type MachineState = ReadonlyMap<string, Amount>;

/** Where the runs keep their files. */
export interface RunPlaces {
  /** The runner's temporary folder. */
  readonly temp: string;
  /** The system's, as TMPDIR names it to the runs. */
  readonly system: string;
}

const MEBIBYTE = 1024 ** 2;

/** Looks at all of it, one after the other: the programs that look are processes too. @param prefix of the runs' cluster names. */
export async function readMachine(prefix: string, places: RunPlaces): Promise<MachineState> {
  const state = new Map<string, Amount>();
  for (const [name, read] of measures(prefix, places)) state.set(name, await read());
  return state;
}

type Measure = readonly [name: string, read: () => Promise<Amount>];

function measures(prefix: string, { temp, system }: RunPlaces): readonly Measure[] {
  const docker =
    (...args: readonly string[]) =>
    async () =>
      items(lines(await sh("docker", args)));
  return [
    ["processes of containers and runs", async () => items(await ownProcesses(prefix))],
    ["processes in all", allProcesses],
    ["Docker: containers", docker("ps", "--all", "--format={{.ID}} {{.Names}}")],
    ["Docker: networks", docker("network", "ls", "--format={{.ID}} {{.Name}}")],
    ["Docker: volumes", docker("volume", "ls", "--quiet")],
    ["Docker: images", docker("image", "ls", "--all", "--format={{.ID}} {{.Repository}}:{{.Tag}}")],
    ["Docker: disk use (docker system df)", docker("system", "df", "--format={{.Type}}: {{.TotalCount}}, {{.Size}}")],
    ["Docker: bytes of its folder", bytesOfDocker],
    ["iptables rules and chains", () => rules("iptables-save")],
    ["ip6tables rules and chains", () => rules("ip6tables-save")],
    ["network interfaces", async () => items(await readdir("/sys/class/net"))],
    ["mounts", async () => items(lines(await readFile("/proc/self/mountinfo", "utf8")).map(mountPoint))],
    ["tool cache: bytes", () => bytesBelow(localFolders().toolCache)],
    ["RUNNER_TEMP", () => filesBelow(temp)],
    ["TMPDIR", () => filesBelow(system)],
    ["/tmp: names of runs", async () => items((await readdir("/tmp")).filter((name) => name.includes(prefix)))],
    ["the user's kubeconfig: bytes", () => sizeOf(join(homedir(), ".kube/config"))],
  ];
}

/** What is not as it was before. */
export function findDifferences(before: MachineState, after: MachineState): readonly string[] {
  return [...after].flatMap(([name, now]) => {
    const then = before.get(name) ?? { amount: 0 };
    if (now.items !== undefined) {
      const [gone, come] = [missing(then.items ?? [], now.items), missing(now.items, then.items ?? [])];
      return [...gone.map((item) => `${name}: ${item} is gone`), ...come.map((item) => `${name}: ${item} is left`)];
    }
    const allowed = now.tolerance?.amount ?? 0;
    const grown = now.amount - then.amount;
    return Math.abs(grown) <= allowed
      ? []
      : [`${name}: ${then.amount} before, ${now.amount} after (${allowed} allowed)`];
  });
}

/** The items of one list that the other has not, or not as often. */
function missing(from: readonly string[], other: readonly string[]): readonly string[] {
  const left = [...other];
  return from.filter((item) => {
    const at = left.indexOf(item);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

/** A table of the two. */
export function describeStates(before: MachineState, after: MachineState): readonly string[] {
  return [...after].map(([name, { amount, tolerance }]) => {
    const why = tolerance === undefined ? "" : `   may differ by ${tolerance.amount}: ${tolerance.why}`;
    return `${name.padEnd(38)}${String(before.get(name)?.amount).padStart(14)}${String(amount).padStart(14)}${why}`;
  });
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

function items(found: readonly string[]): Amount {
  return { amount: found.length, items: found.toSorted() };
}

/** The mount point is the fifth field (proc_pid_mountinfo(5)). */
function mountPoint(line: string): string {
  return line.split(" ")[4] ?? "";
}

async function bytesOfDocker(): Promise<Amount> {
  if (WITHOUT_ROOT) return { amount: 0 };
  const root = await sh("docker", ["info", "--format", "{{.DockerRootDir}}"]);
  const bytes = Number((await sh(...asRoot("du", ["--summarize", "--bytes", root]))).split("\t")[0]);
  const why = "Docker's databases grow by pages, and give none back";
  return { amount: bytes, tolerance: { amount: 4 * MEBIBYTE, why } };
}

/** Without the counters of packets and the comments with the time. */
async function rules(program: string): Promise<Amount> {
  if (WITHOUT_ROOT) return items([]);
  const saved = lines(await sh(...asRoot(program, [])));
  return items(saved.filter((line) => !line.startsWith("#")).map((line) => line.replace(/\[\d+:\d+\]/, "").trim()));
}

const OF_CONTAINERS = /^(?:containerd-shim.*|docker-proxy|runc)$/;

async function ownProcesses(prefix: string): Promise<readonly string[]> {
  const commands = (await commandLines()).map((command) => basename(command.split("\0")[0] ?? ""));
  const naming = await processesNaming(`${prefix}-`);
  return [...commands.filter((name) => OF_CONTAINERS.test(name)), ...naming];
}

async function allProcesses(): Promise<Amount> {
  const why = "the machine's own come and go; of the runs' own none may be left";
  return { amount: (await commandLines()).length, tolerance: { amount: 20, why } };
}

/** The command lines of all processes but the kernel's, which have none. */
async function commandLines(): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.filter((command) => command !== "");
}

async function filesBelow(folder: string): Promise<Amount> {
  return items(await readdir(folder, { recursive: true }));
}

async function bytesBelow(folder: string): Promise<Amount> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await sizeOf(join(folder, name))).amount));
  return { amount: sizes.reduce((sum, size) => sum + size, 0) };
}

async function sizeOf(path: string): Promise<Amount> {
  const amount = await stat(path).then(
    (found) => (found.isFile() ? found.size : 0),
    () => 0,
  );
  return { amount };
}
