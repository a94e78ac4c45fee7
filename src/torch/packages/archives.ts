import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { readTarEntries } from "../../inputs/tar-entries.ts";
import { hashChunks } from "../../tools/checksum.ts";
import { PACKAGE_TOOLS, type PackageTool } from "./plan.ts";

/** A cache that is kept: an archive whose name has its checksum, so that half of one never counts. */
export interface KeptArchive {
  readonly tool: PackageTool;
  readonly path: string;
  readonly checksum: string;
  /** Of the files that say which packages are wanted, where there are any with all versions. */
  readonly lock: string | undefined;
  readonly bytes: number;
}

/** What the name of an archive says. */
export type ArchiveName = Pick<KeptArchive, "tool" | "checksum" | "lock">;

/** Reads the name of an archive; `undefined` where a file is none. */
export function parseArchiveName(name: string): ArchiveName | undefined {
  const [, tool, checksum = "", lock] = /^(\w+)\.([0-9a-f]{64})(?:\.([0-9a-f]{64}))?\.tar$/.exec(name) ?? [];
  const known = PACKAGE_TOOLS.find((each) => each === tool);
  return known === undefined ? undefined : { tool: known, checksum, lock };
}

/** The name of an archive. */
export function archiveName({ tool, checksum, lock }: ArchiveName): string {
  return [tool, checksum, ...(lock === undefined ? [] : [lock]), "tar"].join(".");
}

/** The archives of a folder, the newest of each program. */
export async function listArchives(folder: string): Promise<readonly KeptArchive[]> {
  const found = new Map<PackageTool, KeptArchive & { readonly writtenAt: number }>();
  for (const name of await readdir(folder)) {
    const parsed = parseArchiveName(name);
    const path = join(folder, name);
    const file = parsed === undefined ? undefined : await lstat(path);
    if (parsed === undefined || file?.isFile() !== true) continue;
    const { size: bytes, mtimeMs: writtenAt } = file;
    if (writtenAt >= (found.get(parsed.tool)?.writtenAt ?? 0)) {
      found.set(parsed.tool, { ...parsed, path, bytes, writtenAt });
    }
  }
  return PACKAGE_TOOLS.flatMap((tool) => found.get(tool) ?? []);
}

/** The checksum of a file. */
export async function checksumOf(path: string): Promise<string> {
  return await hashChunks(createReadStream(path));
}

/** The size of a file, in bytes. */
export async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

/** Gives a draft its name, and removes the archives that it replaces. */
export async function keepDraft(
  draft: string,
  folder: string,
  { tool, lock }: Pick<KeptArchive, "tool" | "lock">,
): Promise<void> {
  const name = archiveName({ tool, checksum: await checksumOf(draft), lock });
  await rename(draft, join(folder, name));
  await removeArchives(folder, tool, name);
}

/** Removes the archives of a program, but for one. */
export async function removeArchives(folder: string, tool: PackageTool, kept?: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== kept && parseArchiveName(name)?.tool === tool) await rm(join(folder, name), { force: true });
  }
}

/** No copy takes as long: what is older is of a machine that was lost, or of a run whose post never came. */
const STALE_MILLISECONDS = 24 * 3600 * 1000;

/** Removes the drafts that nobody writes any more. */
export async function removeStaleDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.[\w.-]+\.draft$/.test(name)) continue;
    const file = await lstat(join(folder, name));
    if (file.isFile() && Date.now() - file.mtimeMs > STALE_MILLISECONDS) await rm(join(folder, name), { force: true });
  }
}

/** What changes although no package does: npm's index has times in it. */
const UNIMPORTANT = /^_cacache\/(?:tmp|index-v\d+|_lastverified)(?:\/|$)|^pip\/selfcheck\//;

const MAX_FILES = 500_000;

/** What is in an archive, but for what changes with each use; so much of it that a new package makes another one. */
export async function fingerprintOf(archive: string): Promise<string> {
  const lines: string[] = [];
  for await (const { name, size } of readTarEntries(archive)) {
    // Of a name only its hash is held: the container chooses how long its names are.
    if (!UNIMPORTANT.test(name)) lines.push(createHash("sha256").update(`${size} ${name}`).digest("base64"));
    if (lines.length > MAX_FILES) throw new Error(`it has more than ${MAX_FILES} files`);
  }
  return createHash("sha256").update(lines.toSorted().join("\n")).digest("hex");
}
