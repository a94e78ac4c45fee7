import { describeFetch, isTimeout, readBody } from "../clients/http.ts";

/** What a server answered once. */
export interface Answer {
  /** The request and the answer's status. */
  readonly reason: string;
  readonly status: number;
  readonly body: string;
}

/** Why there was no answer. */
export interface NoAnswer {
  readonly reason: string;
  readonly timedOut: boolean;
}

const PROBE_SECONDS = 10;

/** Requests a page once. @throws only the signal's reason. */
export async function probe(url: string, signal: AbortSignal): Promise<Answer | NoAnswer> {
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_SECONDS * 1000)]),
    });
    const body = (await readBody(response)).toString();
    return { reason: `GET ${url}: status ${response.status}`, status: response.status, body };
  } catch (error) {
    signal.throwIfAborted();
    return { reason: `GET ${url}: ${describeFetch(error, PROBE_SECONDS)}`, timedOut: isTimeout(error) };
  }
}
