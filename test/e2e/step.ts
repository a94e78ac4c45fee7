import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { StepProcess, StepRequest, StepResult } from "../../scripts/local/runner.ts";
import { asRoot, type Command } from "../privileges.ts";
import { logOf } from "./fault.ts";
import { type ActionRun, eventually, sh } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Variables that the runner sets otherwise, or not at all. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Starts a step's program under another umask. A shell would drop the inputs: their names have hyphens. */
export function underUmask(mask: number, start: NonNullable<StepRequest["start"]>): NonNullable<StepRequest["start"]> {
  return (entry, environment) => {
    const before = process.umask(mask);
    try {
      return start(entry, environment);
    } finally {
      process.umask(before);
    }
  };
}

/**
 * Starts a step's program with other variables than the runner's.
 * @param wrap the command that starts it in another way, such as as another user.
 */
export function startWith(
  variables: Variables,
  wrap: (file: string, args: readonly string[], environment: NodeJS.ProcessEnv) => Command = (file, args) => [
    file,
    args,
  ],
): NonNullable<StepRequest["start"]> {
  return (entry, runners): StepProcess => {
    const all = Object.entries({ ...runners, ...variables }).filter(([, value]) => value !== undefined);
    const env: NodeJS.ProcessEnv = Object.fromEntries(all);
    const [file, args] = wrap(process.execPath, [join(ROOT, "dist", entry)], env);
    return spawn(file, args, { env, cwd: env.GITHUB_WORKSPACE ?? ROOT, stdio: ["ignore", "pipe", "pipe"] });
  };
}

/** Mounts a file system in memory on a new folder. @returns what unmounts it. */
export async function mountMemory(path: string, options: string): Promise<() => Promise<void>> {
  await mkdir(path, { recursive: true });
  await sh(...asRoot("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]));
  return async () => {
    await sh(...asRoot("umount", ["--recursive", "--lazy", path]));
  };
}

/** Runs main and sends it a signal at a moment. */
export async function stopWhen(
  run: ActionRun,
  signal: "SIGINT" | "SIGTERM" | "SIGKILL",
  reached: () => Promise<boolean>,
  options: Partial<StepRequest> = {},
): Promise<StepResult> {
  let pid = 0;
  const ended = run.main({
    ...options,
    onStart: (started) => {
      pid = started;
    },
  });
  await Promise.race([
    eventually("the moment of the signal came", reached, 180, 30),
    ended.then((result) => assert.fail(`main ended before the signal:\n${logOf(result)}`)),
  ]);
  process.kill(pid, signal);
  return await ended;
}

/** Runs main, and does something to its cluster at a moment. */
export async function runWith(
  run: ActionRun,
  reached: () => Promise<boolean>,
  act: () => Promise<unknown>,
  options: Partial<StepRequest> = {},
): Promise<StepResult> {
  const main = run.main(options);
  const early = main.then((result) => assert.fail(`main ended before its fault:\n${logOf(result)}`));
  await Promise.race([eventually("the moment of the fault came", reached, 180, 30), early]);
  early.catch(() => undefined);
  await act();
  return await main;
}
