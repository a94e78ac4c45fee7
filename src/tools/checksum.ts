import { createHash } from "node:crypto";
import { parse } from "node:path";

/** A SHA-256 in hex, lower case. */
export const SHA256_HEX = /^[0-9a-f]{64}$/;

/** The SHA-256, in hex, of everything that is read. */
export async function hashChunks(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * The SHA-256 in a checksum file: bare hex (kubectl's form) or `<hex>  <name>` lines (kind's), of the named file.
 * Anything else, such as a proxy's error page, is `undefined`.
 */
export function parseChecksum(text: string, file: string): string | undefined {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const [only] = lines;
  if (lines.length === 1 && only !== undefined && /^[0-9a-f]{64}$/i.test(only)) return only.toLowerCase();
  for (const line of lines) {
    const [, sum, name] = /^([0-9a-f]{64})\s+\*?(\S+)$/i.exec(line) ?? [];
    if (sum !== undefined && name !== undefined && parse(name).base === file) return sum.toLowerCase();
  }
  return undefined;
}
