import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { find } from "@actions/tool-cache";
import { describeError, Failure } from "../errors.ts";
import { openRegular, takeBinary } from "./binary.ts";
import { type ToolName, type ToolSource, type Voucher, voucherFor } from "./sources.ts";

/**
 * The runner's tool cache, which outlives the job and may be shared.
 *
 * What this proves. Where the catalog has a checksum, a cached binary is that binary, whoever wrote the cache. Where it
 * has none, the record beside the binary says which SHA-256 was checked at the download: a binary that was damaged,
 * half written, put there by something else, or changed without its record is found out and downloaded again. It does
 * not prove more: whoever may write the cache (an earlier job of the same runner is the same user) can write binary and
 * record alike. Against that only a checksum in the catalog helps, or a runner that serves one job and goes away.
 *
 * What was checked is what runs: the run copies the binary into its own folder, which is its user's alone (0700), takes
 * the SHA-256 of what it copies, and runs the copy. A cache that changes after the check, or that another user may
 * write, changes nothing for a run that has begun. (A hard link would be the cached file itself.) Measured for kind and
 * kubectl together, 60 MB: at most 0.1 s more than the SHA-256 alone, beside work that takes seconds.
 */

/** A binary in the cache, by the tool cache's key. */
export interface CacheKey {
  readonly tool: ToolName;
  readonly version: string;
  /** Node's name for the processor. */
  readonly nodeArchitecture: string;
}

/** What was checked when a binary was downloaded. */
export interface CacheRecord {
  readonly sha256: string;
  readonly url: string;
}

/** Which SHA-256 a cached binary must have, and who says so. */
export interface CacheCheck {
  readonly sha256: string;
  readonly proof: string;
  readonly voucher: Voucher | "catalog";
}

const MAX_RECORD_BYTES = 4096;

/** How a tool's origin says that it is the catalog's. */
export const VERIFIED = "verified against the catalog";

/** How it says that it is not; what vouches for it instead follows. */
export const UNVERIFIED = "not verified against the catalog, which has no checksum of it";

/** What is said of a checksum that is not the catalog's. */
export function describeVoucher(voucher: Voucher): string {
  switch (voucher) {
    case "origin":
      return "its SHA-256 is as the origin publishes it";
    case "mirror":
      return "only the mirror vouches for it, with a SHA-256 of its own";
    case "nothing":
      return "nothing vouches for it, for what comes over http:// can be changed on the way";
  }
}

/** Reads a record; anything that is not one is `undefined`. */
export function parseRecord(text: string): CacheRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("sha256" in value) || !("url" in value)) return undefined;
  const { sha256, url } = value;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  // It is repeated in the log.
  if (typeof url !== "string" || !/^https?:\/\/[\x21-\x7e]{1,2000}$/.test(url)) return undefined;
  return { sha256, url };
}

/**
 * What a cached binary must match: the catalog's checksum, or else the record's where it was downloaded from the origin
 * or from where this run would download it. `undefined`: it cannot be used.
 */
export function planCacheCheck(
  tool: ToolName,
  source: ToolSource,
  checksum: string | undefined,
  record: CacheRecord | undefined,
): CacheCheck | undefined {
  if (checksum !== undefined) return { sha256: checksum, proof: VERIFIED, voucher: "catalog" };
  if (record === undefined) return undefined;
  const voucher = voucherFor(tool, record.url);
  if (voucher !== "origin" && record.url !== source.url) return undefined;
  const before = voucher === "origin" ? "" : `; ${describeVoucher(voucher)}`;
  const proof = `${UNVERIFIED}: SHA-256 as recorded beside it when it was downloaded from ${record.url}${before}`;
  return { sha256: record.sha256, proof, voucher };
}

/**
 * Copies the cached binary to a path of the run's, where it is what it must be.
 * @returns `"absent"` where the cache has none, `undefined` where what it has is not to be used.
 */
export async function takeFromCache(
  key: CacheKey,
  source: ToolSource,
  checksum: string | undefined,
  path: string,
): Promise<CacheCheck | "absent" | undefined> {
  const place = find(key.tool, key.version, key.nodeArchitecture);
  if (place === "") return "absent";
  const check = planCacheCheck(key.tool, source, checksum, await readRecord(join(place, recordName(key.tool))));
  if (check === undefined) return undefined;
  return (await takeBinary(join(place, key.tool), check.sha256, path)) === "taken" ? check : undefined;
}

/**
 * Puts a binary and its record where the toolkit's `find` looks for them. The toolkit's own `cacheFile` empties the
 * folder first and copies after, so a second job on this machine could run half a file; here a finished folder is moved
 * into place.
 */
export async function placeInCache(key: CacheKey, binary: string, record: CacheRecord): Promise<void> {
  const { tool, version, nodeArchitecture } = key;
  const root = process.env.RUNNER_TOOL_CACHE;
  if (root === undefined || root === "") throw new Failure("RUNNER_TOOL_CACHE is not set: this is not a runner.");
  const place = join(root, tool, version, nodeArchitecture);
  const draft = `${place}.${randomUUID()}`;
  const files = [tool, recordName(tool)];
  try {
    // The mode holds where the umask would let everyone write.
    await mkdir(draft, { recursive: true, mode: 0o755 });
    await copyFile(binary, join(draft, tool), constants.COPYFILE_EXCL);
    await chmod(join(draft, tool), 0o755);
    await writeFile(join(draft, recordName(tool)), `${JSON.stringify(record)}\n`, { flag: "wx", mode: 0o644 });
    await rename(draft, place).catch(async () => {
      // Another job's finished folder is there: put our files over its files, each in one step. Between the two steps
      // the record does not match, and a job that looks then downloads for itself.
      await mkdir(place, { recursive: true, mode: 0o755 });
      for (const file of files) await rename(join(draft, file), join(place, file));
    });
    await writeFile(`${place}.complete`, "");
  } catch (error) {
    throw new Failure(`${tool} cannot be put into the tool cache: ${describeError(error)}`, {
      fix: `see that ${root} has room and belongs to the runner's user`,
      cause: error,
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function recordName(tool: ToolName): string {
  return `${tool}.record.json`;
}

async function readRecord(path: string): Promise<CacheRecord | undefined> {
  try {
    await using file = await openRegular(path);
    const buffer = Buffer.alloc(MAX_RECORD_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return bytesRead > MAX_RECORD_BYTES ? undefined : parseRecord(buffer.toString("utf8", 0, bytesRead));
  } catch {
    return undefined;
  }
}
