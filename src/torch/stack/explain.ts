import { readContainerState } from "../../docker/container-state.ts";
import { Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import { withoutSecrets } from "../../runner/mask.ts";
import type { Component } from "../components.ts";
import { diagnoseFailure } from "../diagnosis.ts";
import { findEnd } from "./container.ts";
import { readComponentLogs } from "./logs.ts";
import { tailOf } from "./tail.ts";

/** A component that runs in a container. */
export interface Running {
  readonly component: Component;
  readonly container: string;
}

/** What an explanation needs. */
export interface Explaining {
  readonly exec: Exec;
}

/** A cause that is known already, and its fix. */
export interface KnownCause {
  readonly cause: string;
  readonly fix: string;
}

/** So much of the end of each log is searched and shown. */
const MAX_LOG_CHARACTERS = 256 * 1024;

const MAX_WHAT_CHARACTERS = 3000;

/**
 * What went wrong, its likely cause, and the last lines of the components concerned, without secrets.
 * @param concerned the components, the most likely culprit first.
 */
export async function explainFailure(
  what: string,
  concerned: readonly Running[],
  { exec }: Explaining,
  known?: KnownCause,
): Promise<Failure> {
  const tails = await Promise.all(concerned.map((running) => readTail(running, exec)));
  const likely = known ?? findCause(what, tails);
  const text = withoutSecrets(what);
  const message = [
    text.length <= MAX_WHAT_CHARACTERS ? text : `${text.slice(0, MAX_WHAT_CHARACTERS)} ...`,
    ...(likely === undefined ? [] : [likely.cause]),
    ...tails.flatMap(({ component, container, lines }) => {
      if (lines.length === 0) return [];
      return [`Last lines of the ${component.title} (container ${container}):`, ...lines.map((line) => `  ${line}`)];
    }),
  ].join("\n");
  const fix = likely?.fix ?? "look at the logs of TORCH-V2 in the collected logs";
  return new Failure(message, { fix, retryable: false });
}

/**
 * Why a component has ended, with its last lines; `undefined` if it runs.
 * @param when as in `after it had served`; what followed from the end may be added as a sentence of its own.
 */
export async function explainEnd(
  running: Running,
  when: string,
  { exec, signal }: Explaining & { readonly signal: AbortSignal },
): Promise<Failure | undefined> {
  const end = findEnd(await readContainerState(running.container, exec, signal));
  if (end === undefined) return undefined;
  return await explainFailure(`The ${running.component.title} ${end} ${when}.`, [running], { exec });
}

/** @throws Failure if a component has ended. */
export async function checkRuns(...args: Parameters<typeof explainEnd>): Promise<void> {
  const ended = await explainEnd(...args);
  if (ended !== undefined) throw ended;
}

/** A component with the last lines of its logs. */
interface Tail extends Running {
  readonly lines: readonly string[];
}

async function readTail(running: Running, exec: Exec): Promise<Tail> {
  const logs = await readComponentLogs(running.container, exec);
  // Secrets are removed before lines are chosen: one line of a key alone is not recognized as one.
  const clean = logs.map((log) => ({ ...log, text: withoutSecrets(log.text.slice(-MAX_LOG_CHARACTERS)) }));
  return { ...running, lines: tailOf(clean) };
}

/** The first cause that is known for what went wrong, or for what a component wrote last. */
function findCause(what: string, tails: readonly Tail[]): KnownCause | undefined {
  const reports = tails.map(({ component, lines }) => ({
    component: component.name,
    words: lines.filter((line) => !/liqoctl/.test(line)).join("\n"),
  }));
  const diagnosis = diagnoseFailure(what, reports);
  return diagnosis === undefined ? undefined : { cause: `Likely cause: ${diagnosis.cause}`, fix: diagnosis.fix };
}
