/** What may be base64 or hex: forty characters and more, with line breaks, and escaped for JSON, PHP or a URL. */
export const RUN =
  /(?:[A-Za-z0-9+/=_-]|%[0-9A-Fa-f]{2}|(?<!\\)\\{1,32}(?:u00[0-9A-Fa-f]{2}|[nr/])|[\r\n][ \t]{0,100}){40,200000}/g;

/** How many times something encoded may have been encoded again. */
const MAX_DEPTH = 3;

/** A key or a certificate begins with an ASN.1 sequence of some hundred bytes; this is that in base64. */
const DER_IN_BASE64 = /(?:^|[^A-Za-z0-9+/])MI[IG][A-Za-z0-9+/]{80}/;

/** Pieces of the secrets, small enough that any part worth hiding contains a whole one. */
export interface Traces {
  readonly texts: readonly string[];
  readonly bytes: readonly Buffer[];
}

const TEXT_PIECE = 24;
const BYTE_PIECE = 18;

/** The traces of those secrets that are PEM. */
export function traceSecrets(secrets: readonly string[]): Traces {
  const bodies = secrets
    .filter((secret) => secret.includes("-----BEGIN"))
    .map((pem) => pem.replace(/-----[^-]*-----/g, "").replace(/\s+/g, ""));
  const pieces = <T>(length: number, size: number, cut: (from: number, to: number) => T): readonly T[] =>
    Array.from({ length: Math.floor(length / size) }, (_, index) => cut(index * size, (index + 1) * size));
  return {
    texts: bodies.flatMap((body) => pieces(body.length, TEXT_PIECE, (from, to) => body.slice(from, to))),
    bytes: bodies.flatMap((body) => {
      const der = Buffer.from(body, "base64");
      // The first bytes are the same in every key of a kind.
      return pieces(der.length, BYTE_PIECE, (from, to) => der.subarray(from, to)).slice(2);
    }),
  };
}

/** Whether decoded bytes are a key or a certificate, or hold a piece of a secret, however they are encoded again. */
export function isSecret(bytes: Buffer, traces: Traces, depth = MAX_DEPTH): boolean {
  if (traces.bytes.some((piece) => bytes.includes(piece))) return true;
  const text = bytes.toString("latin1");
  if (/-----BEGIN[ +%]/.test(text) || traces.texts.some((piece) => text.includes(piece))) return true;
  return depth > 0 && (text.match(RUN) ?? []).some((run) => isEncodedSecret(run, traces, depth - 1));
}

/** Whether a run of characters is the base64 or hex of a secret. */
export function isEncodedSecret(run: string, traces: Traces, depth = MAX_DEPTH): boolean {
  const plain = run
    .replace(/%([0-9A-Fa-f]{2})|\\{1,32}u00([0-9A-Fa-f]{2})/g, (_, url = "", json = "") =>
      String.fromCharCode(Number.parseInt(`${url}${json}`, 16)),
    )
    .replace(/\\{1,32}[nr]|\s+/g, "")
    .replace(/\\{1,32}\//g, "/");
  const base64 = plain.replaceAll("-", "+").replaceAll("_", "/");
  if (traces.texts.some((piece) => base64.includes(piece)) || DER_IN_BASE64.test(base64)) return true;
  if (/^[0-9A-Fa-f]{64,}$/.test(plain) && isSecret(Buffer.from(plain, "hex"), traces, depth)) return true;
  // A name or a path directly before it may shift where its groups begin.
  return base64
    .split(/=+/)
    .filter((part) => part.length >= 40)
    .some((part) => [0, 1, 2, 3].some((offset) => isSecret(Buffer.from(part.slice(offset), "base64"), traces, depth)));
}
