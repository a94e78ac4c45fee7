import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../errors.ts";
import { MAX_BINARY_BYTES } from "./binary.ts";
import { type CacheKey, describeVoucher, placeInCache, takeFromCache, UNVERIFIED, VERIFIED } from "./cache.ts";
import { downloadFile } from "./download.ts";
import { type PathSearch, takeFromPath } from "./path.ts";
import { parseChecksum, type ToolSource, voucherFor } from "./sources.ts";

/** A tool to install. */
export interface ToolRequest extends CacheKey {
  readonly source: ToolSource;
  /** The catalog's SHA-256, where it holds one: then no other binary is used, wherever it comes from. */
  readonly checksum: string | undefined;
}

export interface InstalledTool {
  /** The run's own copy. */
  readonly path: string;
  /** How it came here and what vouches for it, for the log and the summary. */
  readonly origin: string;
  /** Where nothing vouches for it. */
  readonly warning: string | undefined;
}

const DOWNLOAD_SECONDS = 600;

/** kind's and kubectl's have a hundred bytes or less. */
const MAX_CHECKSUM_BYTES = 16 * 1024;
const RETRY_PAUSES: readonly number[] = [10_000, 15_000];

/** Where an installation says what it does. */
export interface ToolLog {
  info(line: string): void;
  debug(line: string): void;
}

/** What tests set otherwise. */
export interface InstallOptions {
  readonly pauses?: readonly number[];
  /** In the form of the variable `PATH`. */
  readonly searchPath?: string;
}

/**
 * Brings a tool into the run's own folder: from the runner's tool cache, from `PATH`, or from where it is published,
 * which is kept in the tool cache. What does not match its checksum is never installed, and nothing is downloaded that
 * is there with the catalog's checksum. See `cache.ts` for what a cached tool proves.
 * @param folder the run's own, for its user alone; it goes away with the run.
 * @throws Failure where the download or the check fails.
 */
export async function installTool(
  request: ToolRequest,
  folder: string,
  log: ToolLog,
  { pauses = RETRY_PAUSES, searchPath = process.env.PATH ?? "" }: InstallOptions = {},
): Promise<InstalledTool> {
  const { tool, version, source, checksum } = request;
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true, mode: 0o700 });
  const path = join(bin, tool);
  const cached = await takeFromCache(request, source, checksum, path);
  if (cached !== undefined && cached !== "absent") {
    const warning = cached.voucher === "nothing" ? describeUnproven(request) : undefined;
    return { path, origin: `from the tool cache, ${cached.proof}`, warning };
  }
  const search: PathSearch =
    checksum === undefined
      ? { found: undefined, others: [] }
      : await takeFromPath(tool, checksum, searchPath, path, (line) => log.debug(line));
  const { found } = search;
  if (cached === undefined) {
    const expected = checksum === undefined ? "the record of its download" : "the catalog's checksum";
    const instead = found === undefined ? "it is downloaded again" : "it is not used";
    log.info(`The cached ${tool} ${version} does not match ${expected}, or is not there: ${instead}.`);
  }
  if (found !== undefined) {
    log.debug(`${tool} ${version} is a copy of ${found}.`);
    return {
      path,
      origin: `the one in PATH (${found}) has the pinned checksum; nothing was downloaded`,
      warning: undefined,
    };
  }
  const [other] = search.others;
  if (other !== undefined) log.info(`The ${tool} in PATH (${other}) is another build or version; not used.`);
  return await downloadTool(request, folder, path, pauses);
}

/** Downloads a tool, checks it, and keeps it in the tool cache. */
async function downloadTool(
  request: ToolRequest,
  folder: string,
  path: string,
  pauses: readonly number[],
): Promise<InstalledTool> {
  const { tool, source, checksum } = request;
  const [binary, expected] = await Promise.all([
    download(source.url, tool, folder, MAX_BINARY_BYTES, pauses),
    checksum ?? downloadChecksum(request, folder, pauses),
  ]);
  const actual = await hashFile(binary);
  if (actual !== expected) {
    await rm(binary, { force: true });
    throw describeMismatch(request, actual, expected);
  }
  await chmod(binary, 0o755);
  await rename(binary, path);
  await placeInCache(request, path, { sha256: actual, url: source.url });
  const voucher = voucherFor(tool, source.url);
  const proof = checksum === undefined ? `${UNVERIFIED}: ${describeVoucher(voucher)}` : VERIFIED;
  const warning = checksum === undefined && voucher === "nothing" ? describeUnproven(request) : undefined;
  return { path, origin: `downloaded from ${source.url}, ${proof}`, warning };
}

function describeMismatch({ tool, version, source, checksum }: ToolRequest, actual: string, expected: string): Failure {
  const by = checksum === undefined ? source.checksumUrl : "the catalog";
  const builds =
    checksum === undefined
      ? ""
      : `; a ${tool} ${version} that is a build of your own needs a file for the input catalog with its checksum`;
  return new Failure(`${source.url} has the SHA-256 ${actual}, but ${expected} was expected, by ${by}.`, {
    fix: `nothing was installed; try again, and then check for a proxy between this machine and that address${builds}`,
  });
}

function describeUnproven({ tool, version, source }: ToolRequest): string {
  return `${tool} ${version} is not verified: ${source.url} is not https, so anyone on the way can change the binary and its checksum alike. Fix: set ${tool}-mirror to an https address, or put the binary's SHA-256 into the file that the input catalog names.`;
}

async function downloadChecksum(
  { source, tool, version }: ToolRequest,
  folder: string,
  pauses: readonly number[],
): Promise<string> {
  const path = await download(source.checksumUrl, `${tool}'s checksum`, folder, MAX_CHECKSUM_BYTES, pauses);
  const text = await readFile(path, "utf8");
  await rm(path, { force: true });
  const file = source.url.slice(source.url.lastIndexOf("/") + 1);
  const checksum = parseChecksum(text, file);
  if (checksum !== undefined) return checksum;
  throw new Failure(`${source.checksumUrl} is not a checksum file of ${file} (${tool} ${version}).`, {
    fix: "look at that address from this machine: a proxy or a sign-in page may answer in its place",
  });
}

/** Downloads to a file of its own in the run's folder. */
async function download(
  url: string,
  what: string,
  folder: string,
  bytes: number,
  pauses: readonly number[],
): Promise<string> {
  const path = join(folder, randomUUID());
  try {
    await downloadFile(url, path, { bytes, seconds: DOWNLOAD_SECONDS, pauses });
    return path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`Downloading ${what} from ${url} failed: ${reason}`, {
      fix: "run the job again; on a machine without access to that host, set kind-mirror and kubectl-mirror",
      cause: error,
    });
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}
