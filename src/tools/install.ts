import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeError, Failure } from "../errors.ts";
import { makeFolders } from "../values/files.ts";
import { MAX_BINARY_BYTES } from "./binary.ts";
import {
  type CacheCheck,
  type CacheKey,
  describeVoucher,
  placeInCache,
  takeFromCache,
  UNVERIFIED,
  VERIFIED,
} from "./cache.ts";
import { hashChunks, parseChecksum } from "./checksum.ts";
import { downloadFile } from "./download.ts";
import { downloadFix } from "./download-fix.ts";
import { type PathSearch, takeFromPath } from "./path.ts";
import { type ToolSource, voucherFor } from "./sources.ts";

/** A tool to install. */
export interface ToolRequest extends CacheKey {
  readonly source: ToolSource;
  /** The catalog's SHA-256, if it has one: then no other binary is used, wherever it comes from. */
  readonly checksum: string | undefined;
}

export interface InstalledTool {
  /** The run's own copy. */
  readonly path: string;
  /** Where it came from and what vouches for it, for the log and the summary. */
  readonly origin: string;
  /** Set if nothing vouches for it, or if it could not be kept for later runs. */
  readonly warning: string | undefined;
}

const DOWNLOAD_SECONDS = 600;

/** A proxy that looks at a file before it lets it through does so before its first byte. */
const STALL_SECONDS = 30;

/** Those of kind and kubectl have a hundred bytes or less. */
const MAX_CHECKSUM_BYTES = 16 * 1024;

/** Milliseconds before the second and the third try of a download. */
const RETRY_DELAYS: readonly number[] = [10_000, 15_000];

/** Where an installation reports what it does. */
export interface ToolLog {
  info(line: string): void;
  debug(line: string): void;
}

/** What tests set differently. */
export interface InstallOptions {
  readonly retryDelays?: readonly number[];
  /** In the form of the variable `PATH`. */
  readonly searchPath?: string;
}

/**
 * Installs a tool into the run's own folder: from the runner's tool cache, from `PATH`, or from where it is published;
 * a download is kept in the tool cache. Nothing that does not match its checksum is installed, and nothing is downloaded
 * that is on the machine with the catalog's checksum. See `cache.ts` for what a cached tool proves.
 * @param folder the run's, which only its user can open, and which is removed with the run.
 * @throws Failure if the download or the check fails.
 */
export async function installTool(
  request: ToolRequest,
  folder: string,
  log: ToolLog,
  { retryDelays = RETRY_DELAYS, searchPath = process.env.PATH ?? "" }: InstallOptions = {},
): Promise<InstalledTool> {
  const { tool, version, source, checksum } = request;
  const bin = join(folder, "bin");
  await makeFolders(bin, 0o700);
  const path = join(bin, tool);
  const cached = await takeFromCache(request, source, checksum, path);
  if (cached !== undefined && cached !== "absent") return describeCached(request, path, cached);
  const { found, others }: PathSearch =
    checksum === undefined
      ? { found: undefined, others: [] }
      : await takeFromPath({ tool, checksum }, searchPath, path, (line) => log.debug(line));
  if (cached === undefined) log.info(describeUnusable(request, found));
  if (found !== undefined) {
    log.debug(`${tool} ${version} is a copy of ${found}.`);
    const origin = `the one in PATH (${found}) has the pinned checksum; nothing was downloaded`;
    return { path, origin, warning: undefined };
  }
  const [other] = others;
  if (other !== undefined) log.info(`The ${tool} in PATH (${other}) is another build or version; not used.`);
  return await downloadTool(request, folder, path, retryDelays);
}

function describeCached(request: ToolRequest, path: string, { proof, voucher }: CacheCheck): InstalledTool {
  const warning = voucher === "nothing" ? describeUnverified(request) : undefined;
  return { path, origin: `from the tool cache, ${proof}`, warning };
}

/** @param found the one in `PATH` that is used in its place. */
function describeUnusable({ tool, version, checksum }: ToolRequest, found: string | undefined): string {
  const expected = checksum === undefined ? "the record of its download" : "the catalog's checksum";
  const instead = found === undefined ? "it is downloaded again" : "it is not used";
  return `The cached ${tool} ${version} does not match ${expected}, or is missing: ${instead}.`;
}

/** Downloads a tool, checks it, and keeps it in the tool cache. */
async function downloadTool(
  request: ToolRequest,
  folder: string,
  path: string,
  retryDelays: readonly number[],
): Promise<InstalledTool> {
  const { tool, source, checksum } = request;
  const [binary, expected] = await Promise.all([
    download({ url: source.url, what: tool, bytes: MAX_BINARY_BYTES }, folder, retryDelays),
    checksum ?? downloadChecksum(request, folder, retryDelays),
  ]);
  const actual = await hashChunks(createReadStream(binary, { highWaterMark: 1024 * 1024 }));
  if (actual !== expected) {
    await rm(binary, { force: true });
    throw describeMismatch(request, actual, expected);
  }
  await chmod(binary, 0o755);
  await rename(binary, path);
  const unkept = await placeInCache(request, path, { sha256: actual, url: source.url }).then(
    () => undefined,
    // The run has its own copy.
    (error: unknown) => describeError(error),
  );
  const voucher = voucherFor(tool, source.url);
  const proof = checksum === undefined ? `${UNVERIFIED}: ${describeVoucher(voucher)}` : VERIFIED;
  const unverified = checksum === undefined && voucher === "nothing" ? describeUnverified(request) : undefined;
  const warnings = [unverified, unkept].flatMap((warning) => warning ?? []);
  const origin = `downloaded from ${source.url}, ${proof}`;
  return { path, origin, warning: warnings.length === 0 ? undefined : warnings.join("\n") };
}

function describeMismatch({ tool, version, source, checksum }: ToolRequest, actual: string, expected: string): Failure {
  const by = checksum === undefined ? source.checksumUrl : "the catalog";
  const builds =
    checksum === undefined
      ? ""
      : `; if this ${tool} ${version} is a build of your own, set catalog to a file with its checksum`;
  return new Failure(`${source.url} has the SHA-256 ${actual}, but ${by} says ${expected}. Nothing was installed.`, {
    fix: `run the job again; if it fails again, check for a proxy between this machine and that address${builds}`,
  });
}

function describeUnverified({ tool, version, source }: ToolRequest): string {
  return `${tool} ${version} is not verified: ${source.url} is not https, so anyone on the network path can change both the binary and its checksum. Fix: set ${tool}-mirror to an https address, or put the binary's SHA-256 into the file that the input catalog names.`;
}

async function downloadChecksum(
  { source, tool, version }: ToolRequest,
  folder: string,
  retryDelays: readonly number[],
): Promise<string> {
  const wanted = { url: source.checksumUrl, what: `${tool}'s checksum`, bytes: MAX_CHECKSUM_BYTES };
  const path = await download(wanted, folder, retryDelays);
  const text = await readFile(path, "utf8");
  await rm(path, { force: true });
  const file = source.url.slice(source.url.lastIndexOf("/") + 1);
  const checksum = parseChecksum(text, file);
  if (checksum !== undefined) return checksum;
  throw new Failure(`${source.checksumUrl} is not a checksum file of ${file} (${tool} ${version}).`, {
    fix: "open that address on this machine: a proxy or a sign-in page may answer in its place",
  });
}

/** Downloads into a file of its own in the run's folder. */
async function download(
  { url, what, bytes }: { readonly url: string; readonly what: string; readonly bytes: number },
  folder: string,
  retryDelays: readonly number[],
): Promise<string> {
  const path = join(folder, randomUUID());
  try {
    await downloadFile(url, path, { bytes, seconds: DOWNLOAD_SECONDS, stallSeconds: STALL_SECONDS, retryDelays });
    return path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`Downloading ${what} from ${url} failed: ${reason}`, {
      fix: downloadFix(url, folder, error),
      cause: error,
    });
  }
}
