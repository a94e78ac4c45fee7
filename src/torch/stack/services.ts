import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../errors.ts";
import { hasFoundAll } from "../checkout/connectors.ts";
import { COMPONENTS } from "../components.ts";
import { inspectContainer, measureProcessor, restartContainer, signalContainer } from "./container.ts";
import { explainFailure } from "./explain.ts";
import { ask, type Readiness, type Waiting, waitUntilServing } from "./readiness.ts";
import { readContainerLog } from "./words.ts";

/** The service layer to wait for. */
export interface ServiceLayer {
  readonly container: string;
  /** The broker's address on this machine. */
  readonly url: string;
  /** How many connectors the broker must discover; `undefined`: as many as it looks for. */
  readonly connectors: number | undefined;
  /** The names of those that its checkout lists, where that can be read. */
  readonly listed: readonly string[] | undefined;
}

/** What the broker's log says of its search for connectors. */
export interface Discovery {
  /** The names of those that it found; lines where they have no names. */
  readonly found: readonly string[];
  /** The lines in which it says that it did not find one. */
  readonly lost: readonly string[];
}

/** The broker looks for its connectors once: a later one is lost until the next start. */
const MAX_RESTARTS = 2;

/** How long after its last line about a connector a broker that still answers has found all; and where it writes none. */
const SETTLED_SECONDS = 2;
const WORDLESS_SECONDS = 15;

/** How often the log of a broker that does not answer is read, in milliseconds. */
const UNANSWERED_MILLISECONDS = 2000;

/** How long a broker that has answered may be gone before it is taken for lost, in seconds. */
const GONE_SECONDS = 5;

/**
 * Waits until the broker serves with every connector that it looks for. One that was slower than the broker is lost to
 * it, so the container is restarted, and then the broker is held back until the connectors have come to rest.
 */
export async function waitForServices(services: ServiceLayer, waiting: Waiting): Promise<void> {
  const { container } = services;
  const { exec, log, signal } = waiting;
  const running = { component: COMPONENTS.services, container };
  for (let restarts = 0; ; restarts += 1) {
    const { startedAt } = await inspectContainer(container, exec, signal);
    let lost: string | undefined;
    const look = watchBroker(services, startedAt, waiting);
    await waitUntilServing(
      running,
      async () => {
        const readiness = await look();
        if (typeof readiness === "object" && "lost" in readiness) {
          lost = readiness.lost;
          return "ready";
        }
        return readiness;
      },
      waiting,
    );
    if (lost === undefined) return;
    if (restarts === MAX_RESTARTS) {
      throw await explainFailure(
        `The service layer lost a connector, also after ${MAX_RESTARTS} restarts: ${lost}`,
        [running],
        waiting,
        {
          cause: "A connector starts later than the broker, which looks for the connectors once, or not at all.",
          fix: "see why that connector starts late or not at all: its own log file is in the collected logs",
        },
      );
    }
    log.info(`The service layer lost a connector (${lost}). Restarting it (${restarts + 1} of ${MAX_RESTARTS})`);
    await restartContainer(container, exec, signal);
    await holdBroker(container, restarts, waiting);
  }
}

/** Looks whether the broker serves, or has lost a connector. */
function watchBroker(
  { container, url, connectors, listed }: ServiceLayer,
  startedAt: string,
  { exec, signal }: Waiting,
) {
  let answeredAt: number | undefined;
  let goneSince: number | undefined;
  let readAt = performance.now();
  let count = 0;
  let changedAt = 0;
  return async (): Promise<Readiness | { readonly lost: string }> => {
    // The broker has routes for POST alone: any answer at all is its own. A port that merely opens is Docker's.
    const answer = await ask(url, signal);
    if (!("status" in answer) && answeredAt === undefined && performance.now() - readAt < UNANSWERED_MILLISECONDS) {
      return answer;
    }
    readAt = performance.now();
    const { found, lost } = readDiscovery(await readContainerLog(container, exec, startedAt));
    const now = performance.now();
    if (lost[0] !== undefined) return { lost: lost[0] };
    if (!("status" in answer)) {
      // One that is slow to answer is not gone: a lost connector closes the port.
      if (answeredAt === undefined || answer.timedOut) return answer;
      goneSince ??= now;
      const gone = now - goneSince > GONE_SECONDS * 1000;
      return gone ? { lost: `the broker no longer answers: ${answer.reason}` } : answer;
    }
    goneSince = undefined;
    answeredAt ??= now;
    if (found.length !== count) {
      count = found.length;
      changedAt = now;
    }
    const quiet = (now - Math.max(changedAt, answeredAt)) / 1000;
    const reason = `${count} connectors discovered so far`;
    if (connectors === undefined && hasFoundAll(found, listed)) return "ready";
    if (quiet <= (count > 0 ? SETTLED_SECONDS : WORDLESS_SECONDS)) return { reason };
    if (connectors === undefined || count >= connectors) return "ready";
    const short = `the broker looked for ${count} connectors and found them, and torch-connectors asks for ${connectors}`;
    return { reason: short, final: quiet > WORDLESS_SECONDS };
  };
}

/** A line of more characters than this is cut where it is shown. */
const MAX_LINE = 1000;

/** Reads what the broker's log says of its search. Lines are distinguished by the connector's name, else counted. */
export function readDiscovery(log: string): Discovery {
  const lines = log.split("\n").map((line) => line.trim());
  const named = lines.flatMap((line) => {
    const name = /(?<!\S)(\S+)\s+discovery succeeded\b/i.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });
  // "Service discovery succeeded" names none.
  const nameless = named.filter((name) => /^(?:services?|connectors?|record)$/i.test(name));
  return {
    found: [...nameless, ...new Set(named.filter((name) => !nameless.includes(name)))],
    lost: lines.filter((line) => /\bdiscovery failed\b/i.test(line)).map((line) => line.slice(0, MAX_LINE)),
  };
}

const BEGIN_SECONDS = 3;

/** A container at rest uses less of a processor than this. */
const RESTING = 0.1;

/** How long the broker is held back at least, in seconds: from the second restart on, for connectors that begin late too. */
const LEAST_HOLD = [0, 60] as const;

/** And at most: connectors that never come to rest are not waited for. */
const MOST_HOLD = 90;

/**
 * Holds the broker back until the connectors have started: the container's main process, which starts the connectors and
 * some seconds later the broker, is stopped meanwhile. Where another process starts the broker, this has no effect.
 */
async function holdBroker(container: string, restarts: number, { exec, log, signal }: Waiting): Promise<void> {
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  const least = LEAST_HOLD[restarts] ?? 0;
  await sleep(BEGIN_SECONDS * 1000, undefined, { signal });
  log.info("Holding the broker back until the connectors have started");
  try {
    await signalContainer(container, "STOP", exec);
    for (let resting = 0; (resting < 2 || elapsed() < least) && elapsed() < MOST_HOLD; ) {
      const used = await measureProcessor(container, exec).catch(() => undefined);
      resting = used !== undefined && used < RESTING ? resting + 1 : 0;
      await sleep(500, undefined, { signal });
    }
  } catch (error) {
    signal.throwIfAborted();
    // A container that has ended by now is looked at by the wait.
    log.debug(describeError(error));
  } finally {
    const go = () => signalContainer(container, "CONT", exec);
    await go()
      .catch(go)
      .catch((error: unknown) => log.debug(describeError(error)));
  }
  log.info(`The connectors have started (${elapsed().toFixed(0)} s); now the broker`);
}
