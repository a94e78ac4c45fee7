import { readdir, readFile } from "node:fs/promises";
import { errorCode } from "../../src/errors.ts";
import { pause } from "../../src/poll.ts";
import { identify, isAlive, type ProcessIdentity } from "../../testbed/process-identity.ts";

/** The variable by which a local run's step is known: it holds the run's id. */
export const LOCAL_VARIABLE = "KIND_TORCH_LOCAL_RUN";

/** How long a process has to end what it started, in milliseconds; GitHub gives a cancelled job ten seconds. */
const GRACE_PERIOD = 20_000;

/** This process, as a record names it. */
export async function identifySelf(): Promise<ProcessIdentity> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error("/proc does not show this process. Fix: run it on Linux.");
  return self;
}

/** Asks a process to end, and kills it if it does not. One that is suspended (Ctrl-Z) is resumed, or it would not notice. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + GRACE_PERIOD;
  let asked = false;
  while (await isAlive(identity)) {
    if (!asked) send(identity.pid, "SIGTERM");
    asked = true;
    send(identity.pid, performance.now() > deadline ? "SIGKILL" : "SIGCONT");
    await pause(100);
  }
}

/** Sends a signal to a process that may have ended already. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

/**
 * The main processes of a local run that are still running. What they started carries the mark too, and is left to
 * post, which finds it by the run's folder.
 */
export async function findMains(id: string): Promise<readonly ProcessIdentity[]> {
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        // A process that has ended, or that this user may not read, is not one of the run's.
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
