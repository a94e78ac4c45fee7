import { constants } from "node:fs";
import { access, type FileHandle, lstat, mkdir, open, readlink, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { errorCode } from "../errors.ts";
import { isWithinFolder } from "./paths.ts";

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/** Where a path leads. */
export interface ResolvedPath {
  readonly real: string;
  /** The links on the way: whoever can change one of them decides where the path leads. */
  readonly links: readonly string[];
}

/**
 * Where a path leads, or will lead once its missing part is created: every link that exists is followed, also one whose
 * target does not exist yet. @throws if the links form a circle.
 */
export async function resolveAhead(path: string): Promise<ResolvedPath> {
  const links: string[] = [];
  let real = "/";
  let parts = splitPath(resolve(path));
  while (parts.length > 0) {
    const [part = "", ...rest] = parts;
    parts = rest;
    if (part === "..") {
      real = dirname(real);
      continue;
    }
    const next = join(real, part);
    if (!(await isLink(next))) {
      real = next;
      continue;
    }
    links.push(next);
    if (links.length > MAX_LINKS) throw new Error(`${path} leads through more than ${MAX_LINKS} links`);
    const target = await readlink(next);
    if (target.startsWith("/")) real = "/";
    parts = [...splitPath(target), ...parts];
  }
  return { real, links };
}

function splitPath(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** What does not exist or must not be looked at is not a link that can be followed. */
function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/** Whether a path without links lies in one of these folders; a folder may itself be behind a link. */
export async function isInside(real: string, folders: readonly string[]): Promise<boolean> {
  const roots = await Promise.all(folders.map((folder) => realpath(folder)));
  return roots.some((root) => isWithinFolder(root, real));
}

/** Where a path really leads; `undefined` if that is outside these folders. @throws if it leads to nothing. */
export async function realPathInside(path: string, folders: readonly string[]): Promise<string | undefined> {
  const real = await realpath(path);
  return (await isInside(real, folders)) ? real : undefined;
}

/** A folder that stays the same one, wherever its path leads later. */
export interface HeldFolder {
  readonly real: string;
  /** The path of a file in it, for this process alone. */
  at(name: string): string;
  close(): Promise<void>;
}

/** Holds a folder open: no link that changes in the meantime can redirect what is done through it. */
export async function holdFolder(path: string): Promise<HeldFolder> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const own = `/proc/self/fd/${handle.fd}`;
  return { real: await readlink(own), at: (name) => join(own, name), close: () => handle.close() };
}

/** Reads a file that is not expected to be large. @throws Error whose message continues after the file's name. */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    // The size that a growing file or a device reports is not what can be read of it.
    const bytes = await readUpTo(file, maxBytes + 1);
    if (bytes.length > maxBytes) throw new SizeError(maxBytes);
    return bytes;
  } finally {
    await file.close();
  }
}

/** A file that is larger than what is read of its kind. */
export class SizeError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`it is larger than ${maxBytes} bytes`);
    this.name = "SizeError";
    this.maxBytes = maxBytes;
  }
}

async function readUpTo(file: FileHandle, limit: number): Promise<Buffer> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(Math.min(limit, size + 1));
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/**
 * Creates a folder, and those that it lies in. Of a read-only file system Node's own recursive mkdir says that the folder
 * does not exist, and in /proc it never ends: here the error is the system's.
 */
export async function makeFolders(path: string, mode: number): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await exists(folder)); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    await mkdir(folder, { mode }).catch(async (error: unknown) => {
      // Made by someone else meanwhile.
      if (errorCode(error) !== "EEXIST" || !(await isFolder(folder))) throw error;
    });
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Whether there is something at a path. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
