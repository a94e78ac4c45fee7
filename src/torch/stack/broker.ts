import { readContainerLog } from "../../docker/container-logs.ts";
import { hasFoundAll } from "../checkout/connectors.ts";
import { readDiscovery } from "./discovery.ts";
import { probe } from "./probe.ts";
import type { Readiness, Waiting } from "./readiness.ts";

/** The service layer to wait for. */
export interface ServiceLayer {
  readonly container: string;
  /** The broker's address on this machine. */
  readonly url: string;
  /** How many connectors the broker must discover; `undefined`: as many as it looks for. */
  readonly connectors: number | undefined;
  /** The names of those that its checkout lists, if they can be read from it. */
  readonly listed: readonly string[] | undefined;
}

/** Whether the broker serves, or how it lost a connector. */
export type BrokerState = Readiness | { readonly lost: string };

/** How often the log of a broker that has not answered yet is read, in milliseconds. */
const UNANSWERED_MILLISECONDS = 2000;

/** How long a broker that has answered may be gone before a connector counts as lost, in seconds. */
const GONE_SECONDS = 5;

/** Checks whether the broker serves, or has lost a connector. @param startedAt when its container was started. */
export function watchBroker(
  services: ServiceLayer,
  startedAt: string,
  { exec, signal }: Waiting,
): () => Promise<BrokerState> {
  const judgeDiscovery = watchDiscovery(services);
  let answeredAt: number | undefined;
  let goneSince: number | undefined;
  let readAt = performance.now();
  return async () => {
    // The broker has only routes for POST, so any answer at all is its own. A port that only opens may be Docker's.
    const answer = await probe(services.url, signal);
    const answers = "status" in answer;
    if (!answers && answeredAt === undefined && performance.now() - readAt < UNANSWERED_MILLISECONDS) return answer;
    readAt = performance.now();
    const { found, lost } = readDiscovery(await readContainerLog(services.container, exec, startedAt));
    const now = performance.now();
    if (lost[0] !== undefined) return { lost: lost[0] };
    if (!answers) {
      // A broker that is slow to answer is not gone: one that has lost a connector closes its port.
      if (answeredAt === undefined || answer.timedOut) return answer;
      goneSince ??= now;
      const gone = now - goneSince > GONE_SECONDS * 1000;
      return gone ? { lost: `the broker no longer answers: ${answer.reason}` } : answer;
    }
    goneSince = undefined;
    answeredAt ??= now;
    return judgeDiscovery(found, answeredAt, now);
  };
}

/** A broker that still answers this long after its last line about a connector has found all that it looks for. */
const SETTLED_SECONDS = 2;

/** The same for a broker that has not written such a line. */
const NO_LINE_SECONDS = 15;

/** Judges a broker that answers by the connectors that it has found. */
function watchDiscovery({ connectors, listed }: ServiceLayer) {
  let count = 0;
  let changedAt = 0;
  return (found: readonly string[], answeredAt: number, now: number): Readiness => {
    if (found.length !== count) {
      count = found.length;
      changedAt = now;
    }
    if (connectors === undefined && hasFoundAll(found, listed)) return "ready";
    const quietSeconds = (now - Math.max(changedAt, answeredAt)) / 1000;
    if (quietSeconds <= (count > 0 ? SETTLED_SECONDS : NO_LINE_SECONDS)) {
      return { reason: `${count} connectors discovered so far` };
    }
    if (connectors === undefined || count >= connectors) return "ready";
    const reason = `the broker found the ${count} connectors that it looked for, but torch-connectors asks for ${connectors}`;
    return quietSeconds > NO_LINE_SECONDS ? { reason, failed: true } : { reason };
  };
}
