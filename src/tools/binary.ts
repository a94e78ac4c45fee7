import { createHash, randomUUID } from "node:crypto";
import { constants, createWriteStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { describeError, Failure } from "../errors.ts";
import { diskFix, isDiskError, limitBytes } from "./download.ts";

/** More than any tool has. */
export const MAX_BINARY_BYTES = 512 * 1024 * 1024;

/**
 * Copies a binary from elsewhere on this machine to a path of the run's, if it has the expected SHA-256. It never runs
 * where it is: whoever may write there can change it after the check. The hash is that of the bytes written to the copy,
 * so a file that changes while it is read gives a copy that matches, or none.
 * @returns `"unreadable"` for what cannot be read as a file, such as a pipe, a folder, or a file without permission. No
 * copy is left unless it was taken.
 */
export async function takeBinary(
  from: string,
  sha256: string,
  path: string,
): Promise<"taken" | "different" | "unreadable"> {
  const draft = `${path}.${randomUUID()}`;
  try {
    const copied = await copyBinary(from, draft);
    if (copied !== sha256) return copied === undefined ? "unreadable" : "different";
    await rename(draft, path);
    return "taken";
  } finally {
    await rm(draft, { force: true });
  }
}

/** Copies a file into a new executable one. @returns the SHA-256 of what was written; `undefined` if it cannot be read. */
async function copyBinary(from: string, to: string): Promise<string | undefined> {
  try {
    await using file = await openRegular(from);
    const { size } = await file.stat();
    // Files in /proc report that they are empty, and may never end.
    if (size === 0 || size > MAX_BINARY_BYTES) return undefined;
    const hash = createHash("sha256");
    const hashing = async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(
      file.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false }),
      limitBytes(MAX_BINARY_BYTES),
      hashing,
      createWriteStream(to, { flags: "wx", mode: 0o755 }),
    );
    return hash.digest("hex");
  } catch (error) {
    // Of the run's own folder; anything else is of the file, which cannot be read then.
    if (isDiskError(error)) {
      const fix = diskFix(dirname(dirname(to)));
      throw new Failure(`${from} cannot be copied to ${to}: ${describeError(error)}`, { fix, cause: error });
    }
    return undefined;
  }
}

/** Opens a regular file for reading. Anything else, such as a pipe that never ends, is refused and does not block. */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error("it is not a regular file");
}
