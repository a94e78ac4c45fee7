import pLimit from "p-limit";
import { errorCode, Failure } from "../../src/errors.ts";
import { pause } from "../../src/poll.ts";
import { MAX_BINARY_BYTES } from "../../src/tools/binary.ts";
import { hashChunks } from "../../src/tools/checksum.ts";
import { limitBytes, MAX_REDIRECTS, PermanentError, planRedirect, REDIRECTS } from "../../src/tools/download.ts";

type Headers = Readonly<Record<string, string>>;

/** What is read from the network. All of it fails with a Failure that names the URL and the reason. */
export interface Client {
  readText(url: string, headers?: Headers): Promise<string>;
  /** The text, or undefined if the server says that there is none (404). */
  findText(url: string): Promise<string | undefined>;
  /** The SHA-256, in hex, of what is downloaded; nothing of it is kept. */
  readHash(url: string): Promise<string>;
}

/** How many requests are under way at once. */
const MAX_CONCURRENCY = 4;

/** Milliseconds before the second and the third try. */
const RETRY_DELAYS = [1000, 4000];

/** Seconds for one try, from the request to the last byte. */
const TEXT_SECONDS = 60;
const BINARY_SECONDS = 300;

/** A page of a hundred releases with their notes has a few hundred kB. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

const RETRY = "run the update again later; if it fails again, check whether this machine can reach that address";

/** The result of one try. */
type Result<T> = { readonly value: T } | { readonly reason: string; readonly retryable: boolean };

interface Resource<T> {
  readonly url: string;
  readonly headers: Headers;
  readonly seconds: number;
  readonly read: (response: Response) => Promise<T>;
}

/**
 * Creates the client. Errors that may pass (network errors, 408, 429, 5xx) are tried three times in all.
 * @param signal ends everything that is under way or waits.
 */
export function createClient(signal: AbortSignal): Client {
  const limit = pLimit(MAX_CONCURRENCY);
  const find = <T>(resource: Resource<T>) => limit(() => fetchWithRetry(resource, signal));
  const read = async <T>(resource: Resource<T>): Promise<T> => {
    const found = await find(resource);
    if (found === undefined) throw new Failure(`${resource.url} could not be read: HTTP 404.`, { fix: RETRY });
    return found;
  };
  const text = (url: string, headers: Headers) => ({ url, headers, seconds: TEXT_SECONDS, read: readBody });
  return {
    readText: (url, headers = {}) => read(text(url, headers)),
    findText: (url) => find(text(url, {})),
    readHash: (url) => read({ url, headers: {}, seconds: BINARY_SECONDS, read: hashBody }),
  };
}

/** @returns undefined if the server says that there is nothing. */
async function fetchWithRetry<T>(resource: Resource<T>, signal: AbortSignal): Promise<T | undefined> {
  for (let tries = 1; ; tries += 1) {
    const result = await fetchOnce(resource, signal);
    if ("value" in result) return result.value;
    const delay = RETRY_DELAYS[tries - 1];
    if (signal.aborted || !result.retryable || delay === undefined) {
      const times = tries === 1 ? "" : ` (${tries} tries)`;
      throw new Failure(`${resource.url} could not be read: ${result.reason}${times}.`, { fix: RETRY });
    }
    await pause(delay, signal);
  }
}

async function fetchOnce<T>(resource: Resource<T>, signal: AbortSignal): Promise<Result<T | undefined>> {
  const { url, headers, seconds, read } = resource;
  const limit = AbortSignal.timeout(seconds * 1000);
  try {
    const response = await follow(new URL(url), headers, AbortSignal.any([signal, limit]));
    if (response.ok) return { value: await read(response) };
    await response.body?.cancel();
    if (response.status === 404) return { value: undefined };
    const retryable = [408, 429].includes(response.status) || response.status >= 500;
    return { reason: `HTTP ${response.status} ${response.statusText}`.trim(), retryable };
  } catch (error) {
    const reason = limit.aborted ? `timed out after ${seconds} s` : describeNetworkError(error);
    return { reason, retryable: !(error instanceof PermanentError) };
  }
}

/** Follows redirects as a download does: never from https to less. Only the first host gets the headers. */
async function follow(url: URL, headers: Headers, signal: AbortSignal): Promise<Response> {
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await fetch(at, { headers: at.origin === url.origin ? headers : {}, redirect: "manual", signal });
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    at = planRedirect(at, location);
  }
  throw new PermanentError(`more than ${MAX_REDIRECTS} redirects`);
}

async function readBody({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  if (body !== null) for await (const chunk of limitBytes(MAX_TEXT_BYTES)(body)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function hashBody({ body }: Response): Promise<string> {
  return await hashChunks(limitBytes(MAX_BINARY_BYTES)(body ?? ReadableStream.from([])));
}

/** Node's fetch says "fetch failed", and its cause says why. */
function describeNetworkError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return `${error.message}: ${cause.message === "" ? (errorCode(cause) ?? cause.name) : cause.message}`;
}
