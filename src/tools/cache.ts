import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { find } from "@actions/tool-cache";
import { type InferOutput, object, pipe, regex, string } from "valibot";
import { describeError, Failure } from "../errors.ts";
import { makeFolders } from "../values/files.ts";
import { tryJson } from "../values/json.ts";
import { openRegular, takeBinary } from "./binary.ts";
import { SHA256_HEX } from "./checksum.ts";
import { type ToolName, type ToolSource, type Voucher, voucherFor } from "./sources.ts";

/**
 * The runner's tool cache, which outlives the job and may be shared.
 *
 * What this proves. If the catalog has a checksum, a cached binary is that binary, whoever wrote the cache. If it has
 * none, the record next to the binary says which SHA-256 was checked at the download: a binary that was damaged, half
 * written, put there by something else, or changed without its record is detected and downloaded again. It proves no
 * more than that: whoever may write the cache (an earlier job of the same runner is the same user) can write both
 * binary and record. Only a checksum in the catalog helps against that, or a runner that serves one job and goes away.
 *
 * What was checked is what runs: the run copies the binary into its own folder, which only its user can open (0700),
 * takes the SHA-256 of what it copies, and runs the copy. A cache that changes after the check, or that another user may
 * write, changes nothing for a run that has started. (A hard link would be the cached file itself.) Measured for kind
 * and kubectl together, 60 MB: at most 0.1 s more than the SHA-256 alone, in parallel with work that takes seconds.
 */

/** A binary in the cache, by the tool cache's key. */
export interface CacheKey {
  readonly tool: ToolName;
  readonly version: string;
  /** Node's name for the processor. */
  readonly nodeArchitecture: string;
}

const recordSchema = object({
  sha256: pipe(string(), regex(SHA256_HEX)),
  // The log repeats it.
  url: pipe(string(), regex(/^https?:\/\/[\x21-\x7e]{1,2000}$/)),
});

/** What was checked when a binary was downloaded. */
export type CacheRecord = Readonly<InferOutput<typeof recordSchema>>;

/** Which SHA-256 a cached binary must have, and who says so. */
export interface CacheCheck {
  readonly sha256: string;
  readonly proof: string;
  readonly voucher: Voucher | "catalog";
}

const MAX_RECORD_BYTES = 4096;

/** How a tool's origin says that it has the catalog's checksum. */
export const VERIFIED = "verified against the catalog";

/** How it says that the catalog has none; what vouches for the tool instead follows. */
export const UNVERIFIED = "not verified against the catalog, which has no checksum of it";

/** What a checksum that is not the catalog's is worth. */
export function describeVoucher(voucher: Voucher): string {
  switch (voucher) {
    case "origin":
      return "its SHA-256 is the one that the origin publishes";
    case "mirror":
      return "only the mirror vouches for it, with a SHA-256 of its own";
    case "nothing":
      return "nothing vouches for it, because a download over http:// can be changed on the network path";
  }
}

/** Reads a record; anything that is not one is `undefined`. */
export function parseRecord(text: string): CacheRecord | undefined {
  return tryJson(recordSchema, text);
}

/**
 * What a cached binary must match: the catalog's checksum, or else the record's if the binary was downloaded from the
 * origin or from the address that this run would use. `undefined`: it cannot be used.
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
  const proof = `${UNVERIFIED}: SHA-256 as recorded next to it when it was downloaded from ${record.url}${before}`;
  return { sha256: record.sha256, proof, voucher };
}

/**
 * Copies the cached binary to a path of the run's, if it is what it must be.
 * @returns `"absent"` if the cache has none, `undefined` if the one that it has must not be used.
 */
export async function takeFromCache(
  key: CacheKey,
  source: ToolSource,
  checksum: string | undefined,
  path: string,
): Promise<CacheCheck | "absent" | undefined> {
  if (process.env.RUNNER_TOOL_CACHE === undefined || process.env.RUNNER_TOOL_CACHE === "") return "absent";
  const place = find(key.tool, key.version, key.nodeArchitecture);
  if (place === "") return "absent";
  const check = planCacheCheck(key.tool, source, checksum, await readRecord(join(place, recordName(key.tool))));
  if (check === undefined) return undefined;
  return (await takeBinary(join(place, key.tool), check.sha256, path)) === "taken" ? check : undefined;
}

/**
 * Puts a binary and its record where the toolkit's `find` looks for them. The toolkit's own `cacheFile` empties the
 * folder before it copies, so a second job on this machine could run half a file; here a finished folder is moved into
 * place.
 */
export async function placeInCache(key: CacheKey, binary: string, record: CacheRecord): Promise<void> {
  const { tool, version, nodeArchitecture } = key;
  const root = process.env.RUNNER_TOOL_CACHE;
  if (root === undefined || root === "") {
    throw new Failure(`${tool} ${version} cannot be kept in the tool cache: RUNNER_TOOL_CACHE is not set.`, {
      fix: "set it to a folder that this user may write to, or each run downloads the tool again",
    });
  }
  const place = join(root, tool, version, nodeArchitecture);
  const draft = `${place}.${randomUUID()}`;
  const files = [tool, recordName(tool)];
  try {
    // The mode must hold even if the umask would let everyone write.
    await makeFolders(draft, 0o755);
    await copyFile(binary, join(draft, tool), constants.COPYFILE_EXCL);
    await chmod(join(draft, tool), 0o755);
    await writeFile(join(draft, recordName(tool)), `${JSON.stringify(record)}\n`, { flag: "wx", mode: 0o644 });
    await rename(draft, place).catch(async () => {
      // Another job's finished folder is there: replace its files, each in one step. Between the two steps the record
      // does not match, and a job that looks at that moment downloads the tool itself.
      await makeFolders(place, 0o755);
      for (const file of files) await rename(join(draft, file), join(place, file));
    });
    await writeFile(`${place}.complete`, "");
  } catch (error) {
    throw new Failure(`${tool} ${version} cannot be kept in the tool cache: ${describeError(error)}`, {
      fix: `check that ${root} has free space and belongs to the runner's user, or each run downloads the tool again`,
      cause: error,
    });
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
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
