import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isAlive, type ProcessIdentity } from "../../testbed/process-identity.ts";

/** The variable by which a local run's step is known: it holds the run's id. */
export const LOCAL_VARIABLE = "KIND_TORCH_LOCAL_RUN";

/** How long a process has to end what it started, in milliseconds; GitHub gives a cancelled job ten seconds. */
const PATIENCE = 20_000;

/** This process, as a record names it. */
export async function identifySelf(): Promise<ProcessIdentity> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error("/proc does not show this process: local runs need Linux");
  return self;
}

/** Asks a process to end, and insists. One that is stopped (Ctrl-Z) is resumed, for it would not hear. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  let asked = false;
  while (await isAlive(identity)) {
    if (!asked) send(identity.pid, "SIGTERM");
    asked = true;
    send(identity.pid, performance.now() > deadline ? "SIGKILL" : "SIGCONT");
    await sleep(100);
  }
}

/** Sends a signal to a process that may have ended meanwhile. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * The mains of a local run that are still there. What they started carries the mark too, and is left to post, which
 * knows it by the run's folder.
 */
export async function findMains(id: string): Promise<readonly ProcessIdentity[]> {
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        // A process that ends meanwhile, or that is not ours to read, is not one of the run's.
        const read = (file: string) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => "");
        const [environment, command, identity] = await Promise.all([
          read("environ"),
          read("cmdline"),
          identify(Number(name)),
        ]);
        const marked = environment.split("\0").includes(`${LOCAL_VARIABLE}=${id}`);
        const isMain = command.split("\0")[1]?.endsWith("/main.mjs") === true;
        return identity !== undefined && marked && isMain ? [identity] : [];
      }),
  );
  return found.flat();
}
