import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { HttpClient } from "@actions/http-client";
import { pause } from "../poll.ts";

export interface DownloadLimits {
  /** No more than this is read, whatever the other side sends. */
  readonly bytes: number;
  /** For all tries together. */
  readonly seconds: number;
  /** Milliseconds before each further try. */
  readonly retryDelays: readonly number[];
}

export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export const MAX_REDIRECTS = 10;

/** An error that would be the same at the next try. */
export class PermanentError extends Error {}

/**
 * Downloads into a new file. Network errors, 408, 429 and 5xx are tried again; fewer bytes than the answer's own
 * Content-Length are a network error. A redirect from https to anything less and more bytes than the limit are refused.
 * On an error no file is left.
 */
export async function downloadFile(url: string, path: string, limits: DownloadLimits): Promise<void> {
  const signal = AbortSignal.timeout(limits.seconds * 1000);
  for (const delay of [...limits.retryDelays, undefined]) {
    try {
      return await downloadOnce(url, path, limits.bytes, signal);
    } catch (error) {
      await rm(path, { force: true });
      if (signal.aborted) throw new Error(`timed out after ${limits.seconds} s`);
      if (delay === undefined || error instanceof PermanentError) throw error;
      await pause(delay);
    }
  }
}

async function downloadOnce(url: string, path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const message = await openUrl(new URL(url), signal);
  const { statusCode = 0 } = message;
  if (statusCode !== 200) {
    message.destroy();
    const text = `Unexpected HTTP response: ${statusCode}`;
    throw statusCode >= 500 || statusCode === 408 || statusCode === 429 ? new Error(text) : new PermanentError(text);
  }
  await pipeline(message, limitBytes(bytes), createWriteStream(path, { flags: "wx", mode: 0o600 }), { signal });
}

/** Requests an address and follows redirects. The toolkit's client would read a redirect's whole body into memory. */
async function openUrl(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const client = new HttpClient("kind-torch-action", [], { allowRedirects: false, allowRetries: false });
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const { message } = await orAborted(client.get(at.href), signal);
    const { statusCode = 0, headers } = message;
    if (!REDIRECTS.includes(statusCode) || headers.location === undefined) return message;
    message.destroy();
    at = planRedirect(at, headers.location);
  }
  throw new PermanentError(`more than ${MAX_REDIRECTS} redirects`);
}

/** Where a redirect leads. @throws PermanentError where that is not an address, or is less secure than the one before. */
export function planRedirect(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw new PermanentError("redirected to something that is not an address");
  const to = new URL(location, from.href);
  if (to.protocol !== "https:" && (to.protocol !== "http:" || from.protocol === "https:")) {
    throw new PermanentError(`redirected from ${from.protocol} to ${to.protocol}, which is refused`);
  }
  return to;
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener("abort", abort);
  }
}

/** Lets no more bytes through than the limit. */
export function limitBytes(limit: number): (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (chunks) {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > limit) throw new PermanentError(`more than ${limit} bytes`);
      yield chunk;
    }
  };
}
