import { listCommands, readContainerState } from "../../docker/container-state.ts";
import { poll } from "../../poll.ts";
import type { Log } from "../../runner/log.ts";
import type { Engine } from "../clients/engine.ts";
import { readPage } from "../clients/page.ts";
import { describePage } from "../clients/page-error.ts";
import { findEnd, hasNoProgram } from "./container.ts";
import { type Explaining, explainFailure, type Running } from "./explain.ts";
import { probe } from "./probe.ts";

/** What a wait works with. */
export interface Waiting extends Explaining {
  readonly log: Log;
  /** Says why the component is still waited for. */
  readonly say: (reason: string) => void;
  readonly signal: AbortSignal;
  readonly waitSeconds: number;
  /** Whether the component still leaves the processors to others: its time starts when it does not. */
  readonly yields: () => boolean;
}

/** Why a component does not serve yet. */
export interface NotReady {
  readonly reason: string;
  /** Whether it has failed, so that it never will. */
  readonly failed?: true;
}

/** Whether a component serves. */
export type Readiness = "ready" | NotReady;

const POLL_MILLISECONDS = 500;

/**
 * Waits until a component serves. What counts is its answer: its container runs long before.
 * @param look asks the component.
 * @throws Failure with the component, its last lines and the likely cause, as soon as it cannot serve any more.
 */
export async function waitUntilServing(
  running: Running,
  look: () => Promise<Readiness>,
  waiting: Waiting,
): Promise<void> {
  const { title } = running.component;
  const { waitSeconds, signal, say } = waiting;
  const fail = (what: string) => explainFailure(`The ${title} ${what}.`, [running], waiting);
  const checkContainer = watchContainer(running.container, waiting);
  const isTimeOver = startTimer(waiting);

  const check = async () => {
    const readiness = await look();
    if (readiness === "ready") return readiness;
    const { reason, failed } = readiness;
    if (failed === true) throw await fail(`does not serve: ${reason}`);
    const end = await checkContainer();
    if (end !== undefined) throw await fail(end);
    if (isTimeOver()) throw await fail(`timed out after ${waitSeconds} s (torch-wait). ${reason}`);
    say(`starts; ${reason}`);
    return undefined;
  };
  await poll(check, { everyMilliseconds: POLL_MILLISECONDS, signal });
}

/** How often the container itself is looked at. Each look takes time from the component that starts in it. */
const LOOK_MILLISECONDS = 2000;

/** How often in a row a container must be found without a program: a script may be between two programs. */
const MAX_EMPTY_LOOKS = 3;

/** Looks at a container from time to time, and says why it cannot serve any more, if so. */
function watchContainer(container: string, { exec, signal }: Waiting): () => Promise<string | undefined> {
  let emptyLooks = 0;
  let lookedAt = 0;
  return async () => {
    const now = performance.now();
    if (now - lookedAt <= LOOK_MILLISECONDS) return undefined;
    lookedAt = now;
    const end = findEnd(await readContainerState(container, exec, signal));
    if (end !== undefined) return `${end} before it served`;
    emptyLooks = hasNoProgram(await listCommands(container, exec)) ? emptyLooks + 1 : 0;
    if (emptyLooks < MAX_EMPTY_LOOKS) return undefined;
    return "does not serve: its script only sleeps, and no other program runs in the container";
  };
}

/** Starts the time that a component has. The result says whether it is over. */
function startTimer({ waitSeconds, yields }: Waiting): () => boolean {
  let start = performance.now();
  return () => {
    const now = performance.now();
    if (yields()) start = now;
    return (now - start) / 1000 > waitSeconds;
  };
}

/** How long a server may answer with an error while it starts. */
const ERROR_SECONDS = 10;

/**
 * Checks whether the dashboard serves. Before it does, it runs composer, npm and migrations; if they fail, it answers with
 * an error.
 */
export function watchDashboard(url: string, signal: AbortSignal): () => Promise<Readiness> {
  let failingSince: number | undefined;
  return async () => {
    const answer = await probe(`${url}/login`, signal);
    if ("status" in answer && answer.status === 200) return "ready";
    // A proxy in front of a server that has not started yet answers with 502 to 504.
    if (!("status" in answer) || answer.status !== 500) {
      failingSince = undefined;
      return { reason: answer.reason };
    }
    const now = performance.now();
    failingSince ??= now;
    const reason = `${answer.reason}: ${describePage(readPage(answer.body)) || "an empty page"}`;
    return now - failingSince > ERROR_SECONDS * 1000 ? { reason, failed: true } : { reason };
  };
}

/** Checks whether the engine serves. */
export function watchEngine(client: Pick<Engine, "notReadyReason">): () => Promise<Readiness> {
  return async () => {
    const reason = await client.notReadyReason();
    return reason === undefined ? "ready" : { reason };
  };
}
