import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../runner/log.ts";
import { readBody } from "../clients/body.ts";
import { describePage } from "../clients/browser.ts";
import { describeFetch } from "../clients/engine.ts";
import { readPage } from "../clients/page.ts";
import { findEnd, hasNoProgram, inspectContainer, listCommands } from "./container.ts";
import { type Explaining, explainFailure, type Running } from "./explain.ts";

/** What a wait works with. */
export interface Waiting extends Explaining {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly waitSeconds: number;
  /** Whether the component still yields the processors to others: its time begins when it does not. */
  readonly yields: () => boolean;
}

/** How a component is doing: why it does not serve yet, and whether it never will. */
export type Readiness = "ready" | { readonly reason: string; readonly final?: boolean };

const POLL_MILLISECONDS = 500;

/** How often the container itself is looked at: each look costs the machine that the component starts on. */
const LOOK_MILLISECONDS = 2000;
const PROGRESS_SECONDS = 15;

/** How often in a row a container must be found without a program: a script may be between two. */
const EMPTY_LOOKS = 3;

/** How long a server may answer with an error while it comes up. */
const ERROR_SECONDS = 10;

/**
 * Waits until a component serves, by what it answers: its container is up long before.
 * @param look says how it is doing.
 * @throws Failure with the component, its last lines and the likely cause, as soon as it cannot serve any more.
 */
export async function waitUntilServing(
  running: Running,
  look: () => Promise<Readiness>,
  waiting: Waiting,
): Promise<void> {
  const { component, container } = running;
  const { exec, log, signal, waitSeconds, yields } = waiting;
  const fail = (what: string) => explainFailure(`The ${component.title} ${what}.`, [running], waiting);
  const start = performance.now();
  let counted = start;
  let reported = 0;
  let empty = 0;
  let lookedAt = 0;
  for (;;) {
    signal.throwIfAborted();
    const readiness = await look();
    if (readiness === "ready") return;
    const { reason, final = false } = readiness;
    if (final) throw await fail(`does not serve: ${reason}`);
    const now = performance.now();
    if (now - lookedAt > LOOK_MILLISECONDS) {
      lookedAt = now;
      const end = findEnd(await inspectContainer(container, exec, signal));
      if (end !== undefined) throw await fail(`${end} before it served`);
      empty = hasNoProgram(await listCommands(container, exec)) ? empty + 1 : 0;
      if (empty >= EMPTY_LOOKS) {
        throw await fail(
          "does not serve: its script went on to sleep for ever, and no program is left in the container",
        );
      }
    }
    if (yields()) counted = now;
    if ((now - counted) / 1000 > waitSeconds) {
      throw await fail(`timed out after ${waitSeconds} s (torch-wait). ${reason}`);
    }
    const elapsed = (now - start) / 1000;
    if (elapsed - reported > PROGRESS_SECONDS) {
      reported = elapsed;
      log.info(`${component.title}: not serving yet after ${Math.round(elapsed)} s (${reason})`);
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

/** Looks whether the dashboard serves: it runs composer, npm and migrations first, and answers with an error where they failed. */
export function watchDashboard(url: string, signal: AbortSignal): () => Promise<Readiness> {
  let failingSince: number | undefined;
  return async () => {
    const answer = await ask(`${url}/login`, signal);
    if ("status" in answer && answer.status === 200) return "ready";
    // A proxy in front of a server that is not up yet says so with 502 to 504.
    if (!("status" in answer) || answer.status !== 500) {
      failingSince = undefined;
      return { reason: answer.reason };
    }
    failingSince ??= performance.now();
    const final = performance.now() - failingSince > ERROR_SECONDS * 1000;
    return { reason: `${answer.reason}: ${describePage(readPage(answer.body)) || "an empty page"}`, final };
  };
}

/** Asks for a page once. */
export async function ask(
  url: string,
  signal: AbortSignal,
): Promise<
  | { readonly reason: string; readonly timedOut: boolean }
  | { readonly reason: string; readonly status: number; readonly body: string }
> {
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    return {
      reason: `GET ${url}: status ${response.status}`,
      status: response.status,
      body: (await readBody(response)).toString(),
    };
  } catch (error) {
    signal.throwIfAborted();
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    return { reason: `GET ${url}: ${timedOut ? "no answer in 10 s" : describeFetch(error)}`, timedOut };
  }
}
