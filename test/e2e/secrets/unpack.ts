import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { unzipSync } from "fflate";

/** Something to search, by where it is: `logs.zip > pods.tar.gz`. */
export interface Content {
  readonly place: string;
  readonly bytes: Uint8Array;
}

/** How deep archives may lie in each other. */
const MAX_DEPTH = 8;

/** A content, and all that is compressed in it, however deep. What only looks like an archive is searched as it is. */
export function* unpack(content: Content, depth = MAX_DEPTH): Generator<Content> {
  yield content;
  const { place, bytes } = content;
  const inner = opened(bytes);
  if (inner.length > 0 && depth === 0) throw new Error(`${place}: archives lie more than ${MAX_DEPTH} deep`);
  for (const [name, each] of inner) yield* unpack({ place: `${place} > ${name}`, bytes: each }, depth - 1);
}

type Member = readonly [name: string, bytes: Uint8Array];

function opened(bytes: Uint8Array): readonly Member[] {
  try {
    if (startsWith(bytes, [0x1f, 0x8b])) return [["gzip", gunzipSync(bytes)]];
    if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return [["zstd", zstdDecompressSync(bytes)]];
    if (startsWith(bytes, [0x50, 0x4b, 3, 4])) return Object.entries(unzipSync(bytes));
  } catch {
    return [];
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", 257, 262) === "ustar"
    ? [...members(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))]
    : [];
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

const RECORD = 512;

/** The members of a tar archive that are archives themselves: the others were searched with it. */
function* members(tar: Buffer): Generator<Member> {
  for (let at = 0; at + RECORD <= tar.length; ) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = sizeOf(tar.subarray(at + 124, at + 136));
    const bytes = tar.subarray(at + RECORD, at + RECORD + size);
    if (size > 0 && isArchive(bytes)) yield [name, bytes];
    at += RECORD * (1 + Math.ceil(size / RECORD));
  }
}

/** In octal, or for large ones in binary with the first bit set. */
function sizeOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return field.readUIntBE(6, 6);
  return Number.parseInt(field.toString("latin1").replace(/[\0 ].*$/s, "") || "0", 8) || 0;
}

function isArchive(bytes: Uint8Array): boolean {
  const starts = [
    [0x1f, 0x8b],
    [0x28, 0xb5, 0x2f, 0xfd],
    [0x50, 0x4b, 3, 4],
  ];
  return (
    starts.some((start) => startsWith(bytes, start)) ||
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", 257, 262) === "ustar"
  );
}
