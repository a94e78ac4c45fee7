import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { HttpClient } from "@actions/http-client";
import { errorCode } from "../errors.ts";
import { pause } from "../poll.ts";

export interface DownloadLimits {
  /** No more than this is read, whatever the other side sends. */
  readonly bytes: number;
  /** For all tries together. */
  readonly seconds: number;
  /** For how long an answer that has begun may bring nothing. */
  readonly stallSeconds: number;
  /** Milliseconds before each further try; more where the other side asks for more. */
  readonly retryDelays: readonly number[];
}

export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export const MAX_REDIRECTS = 10;

/** For no longer than this a server's Retry-After is waited. */
const MAX_RETRY_AFTER_SECONDS = 60;

/** An error that would be the same at the next try. */
export class PermanentError extends Error {}

/** An answer that may be another one after some time. */
class PassingError extends Error {
  readonly waitMilliseconds: number;

  constructor(message: string, waitMilliseconds: number) {
    super(message);
    this.waitMilliseconds = waitMilliseconds;
  }
}

/**
 * Downloads into a new file. Network errors, 408, 429 and 5xx are tried again, after the time that the answer asks for;
 * fewer bytes than the answer's own Content-Length, and none for a while, are network errors. A redirect from https to
 * anything less and more bytes than the limit are refused. On an error no file is left.
 */
export async function downloadFile(url: string, path: string, limits: DownloadLimits): Promise<void> {
  const signal = AbortSignal.timeout(limits.seconds * 1000);
  for (const delay of [...limits.retryDelays, undefined]) {
    try {
      return await downloadOnce(url, path, limits, signal);
    } catch (error) {
      await rm(path, { force: true });
      if (signal.aborted) throw new Error(`timed out after ${limits.seconds} s`);
      if (delay === undefined || isPermanent(error)) throw error;
      await pause(error instanceof PassingError ? Math.max(delay, error.waitMilliseconds) : delay);
    }
  }
}

function isPermanent(error: unknown): boolean {
  return error instanceof PermanentError || isCertificateError(error) || isDiskError(error);
}

/** Whether the disk, and not the network, is what failed. */
export function isDiskError(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EROFS"].includes(errorCode(error) ?? "");
}

/** What to do where the run's folder has no room for a tool. */
export function diskFix(runDirectory: string): string {
  return `free disk space in ${dirname(runDirectory)} (RUNNER_TEMP), or use a runner with a larger disk`;
}

/** Whether a server's certificate was not accepted (Node.js, "X509 certificate error codes"): it is the same at the next try. */
export function isCertificateError(error: unknown): boolean {
  return /CERT|_SIGNATURE$/.test(errorCode(error) ?? "");
}

async function downloadOnce(
  url: string,
  path: string,
  { bytes, stallSeconds }: DownloadLimits,
  signal: AbortSignal,
): Promise<void> {
  const message = await openUrl(new URL(url), signal);
  if (message.statusCode !== 200) {
    message.destroy();
    throw describeAnswer(message);
  }
  // The timeout is the socket's: any byte restarts it.
  message.setTimeout(stallSeconds * 1000, () => message.destroy(new Error(`nothing more came for ${stallSeconds} s`)));
  await pipeline(message, limitBytes(bytes), createWriteStream(path, { flags: "wx", mode: 0o600 }), { signal });
}

/** The error of an answer that is not the file. */
function describeAnswer({ statusCode = 0, headers }: IncomingMessage): Error {
  const text = `Unexpected HTTP response: ${statusCode}`;
  if (statusCode < 500 && statusCode !== 408 && statusCode !== 429) return new PermanentError(text);
  const seconds = readRetryAfter(headers["retry-after"], Date.now());
  if (seconds <= MAX_RETRY_AFTER_SECONDS) return new PassingError(text, seconds * 1000);
  return new PermanentError(`${text}, and the server wants no more requests for ${seconds} s`);
}

/** The seconds in a Retry-After (RFC 9110, 10.2.3), which may be a date; 0 where it is neither. */
export function readRetryAfter(value: string | undefined, now: number): number {
  const text = value?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const milliseconds = /[a-z]/i.test(text) ? Date.parse(text) - now : 0;
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, Math.ceil(milliseconds / 1000));
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
