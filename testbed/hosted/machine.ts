import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { cacheFolder } from "../cache.ts";
import { locked } from "../lock.ts";
import { type Log, phase } from "../progress.ts";
import { makeCertificates } from "./certificates.ts";
import { CGROUP, USER } from "./layout.ts";
import { officialNames } from "./names.ts";

/** A machine like GitHub's, as far as that is possible here. */
export interface HostedMachine {
  /** Its user's home, as a path on this machine. */
  readonly home: string;
  /** Runs a program as the user of hosted runners. */
  run(args: readonly string[], how: HostedCommand): Promise<number | null>;
}

/** Where its Docker Engine keeps images: in its own store, or in containerd's as a fresh Docker 29 does. */
export type ImageStore = "docker" | "containerd";

export interface HostedCommand {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/**
 * Creates a hosted machine for as long as the work lasts. Its mounts, its network and its processes are in namespaces of
 * their own and end with the process that holds them, so that nothing of it outlives this process, however it ends. What
 * an earlier one has left on the disk is removed first.
 */
export async function withHostedMachine<T>(
  log: Log,
  work: (machine: HostedMachine) => Promise<T>,
  imageStore: ImageStore = "docker",
): Promise<T> {
  return await locked("hosted", log, async () => {
    await removeLeftovers();
    const root = await mkdtemp(join(cacheFolder(), "hosted-"));
    try {
      const features = { "containerd-snapshotter": imageStore === "containerd" };
      await writeFile(join(root, "daemon.json"), JSON.stringify({ features }));
      const certificates = join(root, "certificates");
      await mkdir(certificates);
      await makeCertificates(certificates, Object.keys(officialNames));
      const started = await phase(log, "hosted machine", "start", () => start(root, log));
      try {
        return await work(machineOf(root, started.pid));
      } finally {
        await started.end();
      }
    } finally {
      await removeLeftovers();
    }
  });
}

type Holder = ChildProcessByStdio<Writable, Readable, null>;

async function start(root: string, log: Log): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const program = [process.execPath, join(import.meta.dirname, "inside.ts"), root];
  // bash, because the first process of a namespace has to reap those that lose their parent.
  const init = ["bash", "--norc", "-c", '"$@"; exit $?', "init", ...program];
  const holder = spawn("unshare", ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", ...init], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH },
  });
  let network: ChildProcess | undefined;
  const end = async () => {
    await endHolder(holder);
    if (network?.exitCode === null && network.signalCode === null) {
      const ended = once(network, "exit");
      network.kill();
      await ended;
    }
  };
  try {
    const lines = createInterface({ input: holder.stdout });
    const said = readLines(lines, holder, log);
    await said("mounted");
    const pid = await childOf(holder.pid);
    // It ends when its fourth descriptor, which this process holds, is closed.
    const args = ["--configure", "--mtu=65520", "--exit-fd=3", String(pid), "tap0"];
    network = spawn("slirp4netns", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    await said("ready");
    return { pid, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits for lines that the machine prints, one after the other. */
function readLines(lines: NodeJS.EventEmitter, holder: Holder, log: Log): (word: string) => Promise<void> {
  const heard = new Set<string>();
  lines.on("line", (line: string) => {
    heard.add(line);
    if (line !== "mounted" && line !== "ready") log(line);
  });
  return async (word) => {
    while (!heard.has(word)) {
      if (holder.exitCode !== null) throw new Error(`the hosted machine ended with ${holder.exitCode}`);
      await Promise.race([once(lines, "line"), once(holder, "exit")]);
    }
  };
}

async function endHolder(holder: Holder): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const ended = once(holder, "exit");
  holder.stdin.end();
  await ended;
}

async function childOf(pid: number | undefined): Promise<number> {
  const child = Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ")[0]);
  if (!(child > 0)) throw new Error("the hosted machine has no process");
  return child;
}

function machineOf(root: string, pid: number): HostedMachine {
  return {
    home: join(root, "home", USER.name),
    run: async (args, { folder, env, onLine }) => {
      const user = ["setpriv", `--reuid=${USER.id}`, `--regid=${USER.id}`, "--init-groups"];
      const place = ["env", "--ignore-environment", `--chdir=${folder}`];
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const child = spawn(
        "nsenter",
        [`--target=${pid}`, "--mount", "--net", "--pid", ...user, ...place, ...variables, ...args],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", onLine);
      const [code]: readonly (number | null)[] = await once(child, "close");
      return code ?? null;
    },
  };
}

/** Removes the folders of hosted machines and their control groups: under the lock, none of them is running. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(cacheFolder()).catch(() => [])) {
    if (/^hosted-\w{6}$/.test(name)) await rm(join(cacheFolder(), name), { recursive: true, force: true });
  }
  for (const controller of await readdir("/sys/fs/cgroup").catch(() => [])) {
    await removeGroups(join("/sys/fs/cgroup", controller, CGROUP));
  }
  await removeGroups(join("/sys/fs/cgroup", CGROUP));
}

/** Removes empty control groups; the files in them are the kernel's. */
async function removeGroups(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroups(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}
