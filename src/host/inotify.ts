import { readFile } from "node:fs/promises";
import { linesOf } from "../docker/client.ts";
import { runToEnd } from "../docker/containers.ts";
import { CommandError, type Exec } from "../exec.ts";

/** The two limits that a cluster of several nodes exhausts (the guide's "too many open files"). */
export const INOTIFY_LIMITS = ["fs.inotify.max_user_watches", "fs.inotify.max_user_instances"] as const;

export type InotifyLimit = (typeof INOTIFY_LIMITS)[number];

export type InotifyValues = Readonly<Record<InotifyLimit, number | undefined>>;

/** The limits to raise: those that are below the wanted value. Limits are never lowered, and `0` leaves one alone. */
export function planLimits(
  current: InotifyValues,
  wanted: Readonly<Record<InotifyLimit, number>>,
): readonly { readonly name: InotifyLimit; readonly from: number; readonly to: number }[] {
  return INOTIFY_LIMITS.flatMap((name) => {
    const from = current[name];
    const to = wanted[name];
    return from !== undefined && to !== 0 && from < to ? [{ name, from, to }] : [];
  });
}

/** The current values; `undefined` if the host has no such limit (or hides it). */
export async function readLimits(): Promise<InotifyValues> {
  const [watches, instances] = await Promise.all(INOTIFY_LIMITS.map(readLimit));
  return { "fs.inotify.max_user_watches": watches, "fs.inotify.max_user_instances": instances };
}

async function readLimit(name: InotifyLimit): Promise<number | undefined> {
  try {
    return Number(await readFile(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Raises the limits, through sudo if we are not root.
 * @returns what was raised, and a warning for what could not be: a small cluster may come up anyway.
 */
export async function raiseLimits(
  plan: ReturnType<typeof planLimits>,
  exec: Exec,
): Promise<{ readonly raised: readonly string[]; readonly warnings: readonly string[] }> {
  const root = process.getuid?.() === 0;
  const raised: string[] = [];
  const warnings: string[] = [];
  for (const { name, from, to } of plan) {
    const sysctl = ["sysctl", "-q", "-w", `${name}=${to}`];
    const [file = "sysctl", ...args] = root ? sysctl : ["sudo", "-n", ...sysctl];
    try {
      await exec({ file, args, timeoutSeconds: 20, purpose: `raising ${name}` });
      raised.push(`${name}: ${from} -> ${to}`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      warnings.push(
        `${name} could not be raised from ${from} to ${to}: ${error.message}. ` +
          `A cluster may fail with "too many open files". Fix: raise it on the host (sudo sysctl ${name}=${to}), ` +
          `or set ${inputOf(name)} to 0 to keep it as it is.`,
      );
    }
  }
  return { raised, warnings };
}

/** Raises limits in a node, before anything else: `$1` is a limit's file, `$2` its value, and so on. It prints what it raised. */
const RAISE = `set -eu
while [ $# -gt 0 ]; do
  current=$(cat "/proc/sys/$1")
  if [ "$current" -lt "$2" ]; then
    echo "$2" >"/proc/sys/$1"
    echo "$(echo "$1" | tr / .): $current -> $2"
  fi
  shift 2
done`;

/** Arguments that raise limits of the engine's machine in a privileged container, as the nodes themselves are. */
export function raiseArgs(plan: ReturnType<typeof planLimits>, image: string): readonly string[] {
  const limits = plan.flatMap(({ name, to }) => [name.replaceAll(".", "/"), String(to)]);
  const options = ["--rm", "--privileged", "--network=none", "--pull=never", "--entrypoint=sh"];
  return [...options, image, "-c", RAISE, "sh", ...limits];
}

/** Raises the limits of the engine's machine, where this step cannot write them. @param image a node image that is there. */
export async function raiseEngineLimits(
  plan: ReturnType<typeof planLimits>,
  image: string,
  exec: Exec,
): Promise<{ readonly raised: readonly string[]; readonly warnings: readonly string[] }> {
  if (plan.length === 0) return { raised: [], warnings: [] };
  const names = plan.map(({ name }) => name).join(" and ");
  try {
    const options = { timeoutSeconds: 60, purpose: `raising ${names}` };
    return { raised: linesOf(await runToEnd(raiseArgs(plan, image), options, exec)), warnings: [] };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const warning =
      `${names} could not be raised on the engine's machine: ${error.message}. ` +
      `A cluster may fail with "too many open files". Fix: raise it there, or set ${plan.map(({ name }) => inputOf(name)).join(" and ")} to 0 to keep it as it is.`;
    return { raised: [], warnings: [warning] };
  }
}

/** The input that sets a limit. */
export function inputOf(name: InotifyLimit): string {
  return name.replace("fs.inotify.", "inotify-").replaceAll("_", "-");
}
