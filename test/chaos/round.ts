import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StepResult } from "../../scripts/local/runner.ts";
import { poll } from "../../src/poll.ts";
import { type ActionRun, type Machine, prepareRun, processesNaming } from "../e2e/harness.ts";
import { dockerObjects, findLeft } from "../e2e/left.ts";
import { placeTorch, useLightServices } from "../e2e/torch.ts";
import type { Round } from "./plan.ts";

/** What a round found. */
export interface RoundResult {
  /** How long main had run when it was ended. */
  readonly seconds: number;
  /** The last line that main printed before it. */
  readonly lastLine: string;
  /** What is left after post, and what main or post said that a user should not have to read: nothing. */
  readonly left: readonly string[];
}

/** Seconds that a whole run takes here, by its kind; a run that ends before its moment corrects them. */
const wholeRuns = new Map<string, number>();
/** What the first runs are taken to need. */
const FIRST_GUESS = { plain: 14, torch: 35 } as const;
/** What ends a run that hangs. */
const MAX_SECONDS = 600;
const MAX_REPEATS = 4;

/** Runs main, ends it at the round's moment, runs post, and looks at what is left. */
export async function runRound(round: Round, machine: Machine): Promise<RoundResult> {
  for (let repeat = 0; repeat < MAX_REPEATS; repeat += 1) {
    const result = await tryRound(round, machine, `chaos-${process.pid}-${round.number}`);
    if (result !== undefined) return result;
  }
  throw new Error(`main always ended before it was ended by ${round.signal}`);
}

/** @returns `undefined` if main had ended by itself before the moment: it is run again with what is known now. */
async function tryRound(round: Round, machine: Machine, cluster: string): Promise<RoundResult | undefined> {
  const before = await dockerObjects();
  const run = await prepareRun(machine, {
    "cluster-name": cluster,
    workers: String(round.nodes - 1),
    ...(round.torch ? { torch: "torch_v2" } : {}),
  });
  try {
    if (round.torch) {
      const folder = join(run.folders.workspace, "torch_v2");
      await placeTorch(folder);
      await useLightServices(folder);
    }
    const { bySignal, failure, ...ended } = await endAt(round, run, cluster);
    const post = await run.post({ inputs: { "job-status": "cancelled" } });
    const left = [
      ...failure,
      ...(await findLeft(run, cluster, before)),
      ...(post.exitCode === 0 ? [] : [`post ended with ${post.exitCode}`]),
      ...post.log.filter((line) => /^::(error|warning)::/.test(line)),
    ];
    return bySignal || left.length > 0 ? { ...ended, left } : undefined;
  } finally {
    await run.post();
    await run.dispose();
  }
}

/** Runs main and sends it the signal at the moment. */
async function endAt(round: Round, run: ActionRun, cluster: string) {
  const kind = `${round.torch ? "torch" : "plain"}-${round.nodes}`;
  const whole = wholeRuns.get(kind) ?? FIRST_GUESS[round.torch ? "torch" : "plain"];
  let lastLine = "";
  const onLine = (line: string) => {
    if (!line.startsWith("::debug")) lastLine = line;
  };
  const { promise: started, resolve: onStart } = Promise.withResolvers<number>();
  const main = run.main({ onLine, onStart });
  // On a busy machine a process begins late.
  const pid = await Promise.race([started, main.then(() => assert.fail("main did not start"))]);
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const stop = new AbortController();
  const over = main.finally(() => stop.abort());
  const moment = { ...round.moment, whole };
  const reached = await Promise.race([
    waitForMoment(moment, cluster, stop.signal).then(() => true as const),
    over.then(() => false as const),
  ]);
  const [seconds, after] = [elapsed(), lastLine];
  if (reached) kill(pid, round.signal);
  const result: StepResult = await over;
  const bySignal = reached && (result.signal !== null || result.exitCode === 130 || result.exitCode === 143);
  if (bySignal) return { seconds, lastLine: after, bySignal, failure: [] };
  wholeRuns.set(kind, elapsed() * 0.9);
  const words = result.log.filter((line) => line.startsWith("::error")).join(" ");
  const failure = result.exitCode === 0 ? [] : [`main, which ended with ${result.exitCode} by itself: ${words}`];
  return { seconds, lastLine: after, bySignal, failure };
}

async function waitForMoment(
  { within, fraction, whole }: Round["moment"] & { readonly whole: number },
  cluster: string,
  signal: AbortSignal,
): Promise<void> {
  if (within === "run") return await sleep(fraction * whole * 1000, undefined, { signal }).catch(() => undefined);
  const asked = within === "nodes" ? / run --name / : / compose .*up/;
  const look = async () => ((await processesNaming(cluster)).some((line) => asked.test(line)) ? true : undefined);
  await poll(look, { everyMilliseconds: 20, forMilliseconds: MAX_SECONDS * 1000, signal }).catch(() => undefined);
  await sleep(fraction * 1000, undefined, { signal }).catch(() => undefined);
}

/** Sends a signal to a process, which may have ended in this moment. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It had ended by itself; its exit code says so.
  }
}
