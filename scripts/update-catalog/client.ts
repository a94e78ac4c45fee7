import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { Failure } from "../../src/errors.ts";
import { MAX_BINARY_BYTES } from "../../src/tools/binary.ts";
import { FinalError, limitBytes, MAX_REDIRECTS, planRedirect, REDIRECTS } from "../../src/tools/download.ts";

type Headers = Readonly<Record<string, string>>;

/** What is asked of the network. All of it fails with a Failure that names the URL and the reason. */
export interface Client {
  readText(url: string, headers?: Headers): Promise<string>;
  /** The text, or undefined where the server says that there is nothing (404). */
  findText(url: string): Promise<string | undefined>;
  /** The SHA-256, in hex, of what is downloaded; nothing of it is kept. */
  readHash(url: string): Promise<string>;
}

/** How many requests are under way at once. */
const PLACES = 4;

/** Seconds before the second and the third try. */
const PAUSES = [1, 4];

/** Seconds for one try, from the request to the last byte. */
const TEXT_SECONDS = 60;
const BINARY_SECONDS = 300;

/** A page of a hundred releases with their notes has a few hundred kB. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** What one try came to. */
type Answer<T> = { readonly value: T } | { readonly reason: string; readonly transient: boolean };

interface Question<T> {
  readonly url: string;
  readonly headers: Headers;
  readonly seconds: number;
  readonly read: (response: Response) => Promise<T>;
}

/**
 * Makes the client. What can pass (network errors, 408, 429, 5xx) is tried three times in all.
 * @param signal ends everything that is under way or waits.
 */
export function createClient(signal: AbortSignal): Client {
  const inTurn = limitPlaces(PLACES);
  const find = <T>(question: Question<T>) => inTurn(() => askWithPatience(question, signal));
  const read = async <T>(question: Question<T>): Promise<T> => {
    const found = await find(question);
    if (found === undefined) throw new Failure(`${question.url} could not be read: HTTP 404.`);
    return found;
  };
  const text = (url: string, headers: Headers) => ({ url, headers, seconds: TEXT_SECONDS, read: readBody });
  return {
    readText: (url, headers = {}) => read(text(url, headers)),
    findText: (url) => find(text(url, {})),
    readHash: (url) => read({ url, headers: {}, seconds: BINARY_SECONDS, read: hashBody }),
  };
}

/** Lets only so many pieces of work run at once; the others wait in the order in which they came. */
function limitPlaces(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = places;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** @returns undefined where the server says that there is nothing. */
async function askWithPatience<T>(question: Question<T>, signal: AbortSignal): Promise<T | undefined> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(question, signal);
    if ("value" in answer) return answer.value;
    const pause = PAUSES[tries - 1];
    if (signal.aborted || !answer.transient || pause === undefined) {
      const times = tries === 1 ? "" : ` (${tries} tries)`;
      throw new Failure(`${question.url} could not be read: ${answer.reason}${times}.`);
    }
    await setTimeout(pause * 1000, undefined, { signal });
  }
}

async function ask<T>(question: Question<T>, signal: AbortSignal): Promise<Answer<T | undefined>> {
  const { url, headers, seconds, read } = question;
  const limit = AbortSignal.timeout(seconds * 1000);
  try {
    const response = await follow(new URL(url), headers, AbortSignal.any([signal, limit]));
    if (response.ok) return { value: await read(response) };
    await response.body?.cancel();
    if (response.status === 404) return { value: undefined };
    const transient = [408, 429].includes(response.status) || response.status >= 500;
    return { reason: `HTTP ${response.status} ${response.statusText}`.trim(), transient };
  } catch (error) {
    const reason = limit.aborted ? `it was not here within ${seconds} s` : describeNetworkError(error);
    return { reason, transient: !(error instanceof FinalError) };
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
  throw new FinalError(`more than ${MAX_REDIRECTS} redirects`);
}

async function readBody({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  if (body !== null) for await (const chunk of limitBytes(MAX_TEXT_BYTES)(body)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function hashBody(response: Response): Promise<string> {
  const hash = createHash("sha256");
  if (response.body !== null) {
    for await (const chunk of limitBytes(MAX_BINARY_BYTES)(response.body)) hash.update(chunk);
  }
  return hash.digest("hex");
}

/** Node's fetch says "fetch failed", and its cause says why. */
function describeNetworkError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = "code" in cause ? String(cause.code) : cause.name;
  return `${error.message}: ${cause.message === "" ? code : cause.message}`;
}
