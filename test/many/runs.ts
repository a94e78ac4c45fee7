import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ActionRun, type Machine, prepareRun } from "../e2e/harness.ts";
import type { RunPlaces } from "./state.ts";

/** The beginning of the clusters' names. */
export const PREFIX = "many";

/** Runs of the smallest cluster on one machine, one after the other, as jobs of one runner. */
export interface Runs {
  readonly places: RunPlaces;
  /** Runs main and post. @returns the seconds of each. */
  next(): Promise<{ readonly main: number; readonly post: number }>;
  dispose(): Promise<void>;
}

export async function prepareRuns(machine: Machine): Promise<Runs> {
  const inputs = { workers: "0" };
  const first = await prepareRun(machine, inputs);
  const { temp, workspace } = first.folders;
  const system = join(workspace, "../system");
  await mkdir(system);
  const environment = { TMPDIR: system };
  let count = 0;
  return {
    places: { temp, system },
    next: async () => {
      count += 1;
      const name = `${PREFIX}-${process.pid}-${count}`;
      const run = await prepareRun(machine, { ...inputs, "cluster-name": name }, first);
      try {
        const main = await timed(() => run.main({ environment }));
        const post = await timed(() => run.post({ environment }));
        return { main, post };
      } finally {
        await run.post();
      }
    },
    dispose: () => first.dispose(),
  };
}

/** Runs a step that must succeed. @returns its seconds. */
async function timed(step: () => ReturnType<ActionRun["main"]>): Promise<number> {
  const begin = performance.now();
  const { exitCode, log } = await step();
  assert.equal(exitCode, 0, log.join("\n"));
  return (performance.now() - begin) / 1000;
}
