import { raiseBed } from "../bed.ts";
import type { Log } from "../progress.ts";
import { WORK } from "./layout.ts";
import { type HostedMachine, type ImageStore, withHostedMachine } from "./machine.ts";
import { jobEnvironment, supply } from "./supply.ts";

export interface HostedRun {
  /** Scripts of this repository with their arguments, one after the other as long as they succeed. */
  readonly scripts: readonly (readonly string[])[];
  /** Whether the built-in catalog is the repository's (`built-in`), or the test environment's (`bed`), with a bundle built from it. */
  readonly catalog: "built-in" | "bed";
  readonly kubernetes: readonly string[];
  readonly imageStore?: ImageStore;
  readonly log: Log;
  readonly onLine: (line: string) => void;
}

/** Runs scripts on a hosted machine, as its user and in a checkout of its own. @returns the last one's exit code. */
export async function runHosted({
  scripts,
  catalog,
  kubernetes,
  imageStore = "docker",
  log,
  onLine,
}: HostedRun): Promise<number | null> {
  const bed = await raiseBed({ kubernetes, log });
  if (bed.official) throw new Error("The official images can be pulled here. Fix: run it without a hosted machine.");
  const own = catalog === "bed" ? bed.catalog : undefined;
  const work = async (machine: HostedMachine) => {
    await supply(machine, own, log);
    const job = { folder: WORK, env: jobEnvironment, onLine };
    const commit = "git -c user.name=test -c user.email=test@example.com commit --quiet --message=Test";
    const steps = [
      ...(own === undefined ? [] : ["node scripts/build.ts dist"]),
      ...["git init --quiet --initial-branch=main", "git add --all", commit],
    ];
    const prepared = await machine.run(["bash", "-euo", "pipefail", "-c", steps.join("\n")], job);
    if (prepared !== 0) throw new Error(`the repository could not be prepared: exit code ${prepared}`);
    let code: number | null = 0;
    for (const script of scripts) if (code === 0) code = await machine.run(["node", ...script], job);
    return code;
  };
  return await withHostedMachine(log, work, imageStore);
}
