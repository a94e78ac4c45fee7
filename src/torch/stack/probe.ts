import { describeFetch, readBody } from "../clients/http.ts";

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
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    return { reason: `GET ${url}: ${timedOut ? `no answer in ${PROBE_SECONDS} s` : describeFetch(error)}`, timedOut };
  }
}
