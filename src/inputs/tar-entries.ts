import { type FileHandle, open } from "node:fs/promises";

/** A file in a tar archive. */
export interface TarEntry {
  /** Without a leading `./`. */
  readonly name: string;
  readonly size: number;
  /** Reads it; `undefined` where it has more bytes than that. */
  read(maxBytes: number): Promise<Buffer | undefined>;
}

/** A file that is not a tar archive, or not a whole one. */
export class TarError extends Error {}

const BLOCK = 512;

/** The longest name in an extended header that is read; images' files have short ones. */
const MAX_NAME_BYTES = 64 * 1024;

/**
 * The regular files of a tar archive, by its headers alone: what lies between them is not read. POSIX ustar and pax, and
 * GNU's long names.
 * @throws TarError whose message continues after the file's name.
 */
export async function* readTarEntries(path: string): AsyncGenerator<TarEntry> {
  const file = await open(path);
  try {
    yield* entriesOf(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function* entriesOf(file: FileHandle, size: number): AsyncGenerator<TarEntry> {
  let longName: string | undefined;
  for await (const { header, read } of membersOf(file, size)) {
    if (header.type === "x") longName = parsePaxPath(await read(MAX_NAME_BYTES)) ?? longName;
    else if (header.type === "L") longName = textOf((await read(MAX_NAME_BYTES)) ?? Buffer.alloc(0));
    else if (!SKIPPED.has(header.type)) {
      const name = (longName ?? header.name).replace(/^(?:\.\/)+/, "");
      longName = undefined;
      if (REGULAR.has(header.type)) yield { name, size: header.size, read };
    }
  }
}

/** Said of the whole archive, and of where a link leads. */
const SKIPPED = new Set(["g", "K"]);

/** What a regular file has for a type; the second one is that of the oldest form. */
const REGULAR = new Set(["0", "\0"]);

/** Everything that has a header: files, and what is said about the next one. */
async function* membersOf(file: FileHandle, size: number) {
  if (size < BLOCK) throw new TarError("is not a tar archive");
  for (let at = 0; at + BLOCK <= size; ) {
    const block = await readAt(file, at, BLOCK);
    if (block.every((byte) => byte === 0)) return;
    const header = parseTarHeader(block);
    if (header === undefined) throw new TarError(at === 0 ? "is not a tar archive" : "is a damaged tar archive");
    const begin = at + BLOCK;
    if (begin + header.size > size) throw new TarError("is a tar archive that ends too early");
    yield {
      header,
      read: async (maxBytes: number) => (header.size > maxBytes ? undefined : await readAt(file, begin, header.size)),
    };
    at = begin + Math.ceil(header.size / BLOCK) * BLOCK;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new TarError("is a tar archive that ends too early");
  return buffer;
}

/** What a header says. */
interface TarHeader {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** Reads a header; `undefined` where its checksum is not that of its bytes, or its size is not a number. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  const size = parseNumber(block.subarray(124, 136));
  if (parseNumber(block.subarray(148, 156)) !== sum || size === undefined) return undefined;
  const prefix =
    textOf(block.subarray(257, 262)) === "ustar" && block[262] === 0 ? textOf(block.subarray(345, 500)) : "";
  const name = textOf(block.subarray(0, 100));
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(block[156] ?? 0),
  };
}

/** A number of a header: in octal digits, or of many bytes where its first bit is set (GNU). */
function parseNumber(field: Buffer): number | undefined {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.reduce((total, byte, index) => total * 256 + (index === 0 ? byte & 0x7f : byte), 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = field
    .toString("latin1")
    .replace(/[\0 ]+$/, "")
    .trimStart();
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? field.length : end);
}

/** The path in a pax header: records of the form `LENGTH KEYWORD=VALUE\n`. */
function parsePaxPath(records: Buffer | undefined): string | undefined {
  for (let at = 0; records !== undefined && at < records.length; ) {
    const space = records.indexOf(" ", at);
    const length = space === -1 ? Number.NaN : Number(records.toString("latin1", at, space));
    if (!Number.isInteger(length) || length <= space - at) return undefined;
    const record = records.toString("utf8", space + 1, at + length - 1);
    if (record.startsWith("path=")) return record.slice("path=".length);
    at += length;
  }
  return undefined;
}
