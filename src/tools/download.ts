import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpClient } from "@actions/http-client";

export interface DownloadLimits {
  /** No more than this is read, whatever the other side sends. */
  readonly bytes: number;
  /** For all tries together. */
  readonly seconds: number;
  /** Milliseconds between the tries: one try more than there are pauses. */
  readonly pauses: readonly number[];
}

export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export const MAX_REDIRECTS = 10;

/** What would be the same at the next try. */
export class FinalError extends Error {}

/**
 * Downloads into a file that is not there yet. Network errors, 408, 429 and 5xx are tried again. What is refused: a
 * redirect to less than https where the address has https, and more bytes than the limit; less than the answer's own
 * Content-Length is a network error. On an error no file is left.
 */
export async function downloadFile(url: string, path: string, limits: DownloadLimits): Promise<void> {
  const signal = AbortSignal.timeout(limits.seconds * 1000);
  for (const pause of [...limits.pauses, undefined]) {
    try {
      return await downloadOnce(url, path, limits.bytes, signal);
    } catch (error) {
      await rm(path, { force: true });
      if (signal.aborted) throw new Error(`timed out after ${limits.seconds} s`);
      if (pause === undefined || error instanceof FinalError) throw error;
      await sleep(pause);
    }
  }
}

async function downloadOnce(url: string, path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const message = await openUrl(new URL(url), signal);
  const { statusCode = 0 } = message;
  if (statusCode !== 200) {
    message.destroy();
    const text = `Unexpected HTTP response: ${statusCode}`;
    throw statusCode >= 500 || statusCode === 408 || statusCode === 429 ? new Error(text) : new FinalError(text);
  }
  await pipeline(message, limitBytes(bytes), createWriteStream(path, { flags: "wx", mode: 0o600 }), { signal });
}

/** Asks for an address and follows redirects. The toolkit's client would read a redirect's whole body into memory. */
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
  throw new FinalError(`more than ${MAX_REDIRECTS} redirects`);
}

/** Where a redirect leads. @throws where that is not an address, or safe on the way less than the one before. */
export function planRedirect(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw new FinalError("redirected to what is not an address");
  const to = new URL(location, from.href);
  if (to.protocol !== "https:" && (to.protocol !== "http:" || from.protocol === "https:")) {
    throw new FinalError(`redirected from ${from.protocol} to ${to.protocol}, which is refused`);
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
      if (bytes > limit) throw new FinalError(`more than ${limit} bytes`);
      yield chunk;
    }
  };
}
