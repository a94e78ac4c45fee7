import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure.ts";
import type { Run } from "../process.ts";
import type { Log } from "../runner/log.ts";
import { COMPONENTS, type Component } from "./components.ts";
import { findEnd, inspectContainer, readContainerLog, restartContainer } from "./container.ts";
import { diagnoseTorch } from "./diagnosis.ts";
import { describeFetch } from "./engine.ts";
import { redact } from "./redaction.ts";
import { readSecrets } from "./secrets.ts";

/** A component that runs in a container. */
export interface Running {
  readonly component: Component;
  readonly container: string;
}

/** What a wait works with. */
export interface Waiting {
  readonly run: Run;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Their content is kept out of what is told. */
  readonly credentialFiles: readonly string[];
  readonly runDirectory: string;
  readonly waitSeconds: number;
  /** Whether the component still yields the processors to the control plane: its time begins when it does not. */
  readonly yields: () => boolean;
}

/** How long after the broker's first answer a connector's discovery may show in the log. */
const DISCOVERY_SECONDS = 10;
const POLL_MILLISECONDS = 500;
const PROGRESS_SECONDS = 15;
const LAST_LINES = 20;

/**
 * Waits until a component serves, by what it answers: its container is up long before.
 * @param findSilence tells why it does not serve yet; `undefined` once it does.
 * @throws Failure with the component, its last log lines and the likely cause, when its container ends or time is up.
 */
export async function waitUntilServing(
  running: Running,
  findSilence: () => Promise<string | undefined>,
  waiting: Waiting,
): Promise<void> {
  const { component, container } = running;
  const { run, log, signal, waitSeconds, yields } = waiting;
  const start = performance.now();
  let counted = start;
  let told = 0;
  for (;;) {
    signal.throwIfAborted();
    const silence = await findSilence();
    if (silence === undefined) return;
    const elapsed = (performance.now() - start) / 1000;
    const state = await inspectContainer(container, run, signal);
    const end = findEnd(state);
    if (end !== undefined) throw await explain(running, `${end} before it served`, waiting);
    if (yields()) counted = performance.now();
    if ((performance.now() - counted) / 1000 > waitSeconds) {
      throw await explain(
        running,
        `did not serve within ${waitSeconds} s (torch-wait); it is ${state.status}. ${silence}`,
        waiting,
      );
    }
    if (elapsed - told > PROGRESS_SECONDS) {
      told = elapsed;
      log.info(`${component.title}: not serving yet after ${Math.round(elapsed)} s (${silence})`);
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

/** Why the dashboard does not serve yet: it runs composer, npm and migrations first. */
export async function findDashboardSilence(url: string, signal: AbortSignal): Promise<string | undefined> {
  return await findHttpSilence(`${url}/login`, (status) => status === 200, signal);
}

/**
 * Waits until the broker answers and has discovered every connector. One that was slower than the broker is lost to
 * it until the next start, so the container is started anew, once.
 */
export async function waitForServices(
  { container, url, connectors }: { readonly container: string; readonly url: string; readonly connectors: number },
  waiting: Waiting,
): Promise<void> {
  const { run, log, signal } = waiting;
  const running = { component: COMPONENTS.services, container };
  for (let starts = 1; ; starts += 1) {
    const { startedAt } = await inspectContainer(container, run, signal);
    let answeredAt: number | undefined;
    let found: readonly string[] = [];
    await waitUntilServing(
      running,
      async () => {
        // The broker has routes for POST alone: any answer at all is its own. A port that merely opens is Docker's.
        const silence = await findHttpSilence(url, () => true, signal);
        if (silence !== undefined) return silence;
        answeredAt ??= performance.now();
        found = findDiscovered(await readContainerLog(container, run, { since: startedAt }));
        const late = performance.now() - answeredAt > DISCOVERY_SECONDS * 1000;
        if (found.length >= connectors || late) return undefined;
        return `${found.length} of ${connectors} connectors discovered`;
      },
      waiting,
    );
    if (found.length >= connectors) return;
    const lost = `discovered ${found.length} of ${connectors} connectors`;
    if (starts === 2) {
      throw await explain(
        running,
        `${lost}, also after it was started anew`,
        waiting,
        "A connector starts later than the broker, which looks for the connectors once.",
        `see why the missing one starts late or not at all (torch-connectors says how many there are); discovered are:\n  ${found.join("\n  ") || "none"}`,
      );
    }
    log.info(`The service layer ${lost}: ${connectors - found.length} started too late. It is started anew, once.`);
    await restartContainer(container, run, signal);
  }
}

/** The lines in which a service layer's log says that a connector was discovered. */
export function findDiscovered(log: string): readonly string[] {
  const lines = log.split("\n").filter((line) => /\bdiscovery succeeded\b/i.test(line));
  return [...new Set(lines.map((line) => line.trim()))];
}

async function findHttpSilence(
  url: string,
  serves: (status: number) => boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { status, body } = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    await body?.cancel();
    return serves(status) ? undefined : `GET ${url}: status ${status}`;
  } catch (error) {
    signal.throwIfAborted();
    return `GET ${url}: ${describeFetch(error)}`;
  }
}

/** What is wrong with a component, the likely cause, and the last it said, without secrets. */
async function explain(
  { component, container }: Running,
  what: string,
  { run, credentialFiles, runDirectory }: Waiting,
  cause?: string,
  cure?: string,
): Promise<Failure> {
  const log = await readContainerLog(container, run, { lines: 400 }).catch(() => "");
  const diagnosis = cause === undefined ? diagnoseTorch(component.name, log) : undefined;
  const lines = redact(log, await readSecrets(credentialFiles, runDirectory))
    .trimEnd()
    .split("\n")
    .slice(-LAST_LINES);
  return new Failure(
    [
      `The ${component.title} ${what}.`,
      cause ?? (diagnosis === undefined ? "" : `Likely cause: ${diagnosis.cause}`),
      `Its last lines (container ${container}):`,
      ...lines.map((line) => `  ${line}`),
    ]
      .filter((line) => line !== "")
      .join("\n"),
    {
      cure:
        cure ??
        diagnosis?.cure ??
        "mend what its last lines tell of, or give it more time with torch-wait; post collects the whole log",
      final: true,
    },
  );
}
