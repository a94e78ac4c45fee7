import { readFile } from "node:fs/promises";
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

/** The input that sets a limit. */
export function inputOf(name: InotifyLimit): string {
  return name.replace("fs.inotify.", "inotify-").replaceAll("_", "-");
}
