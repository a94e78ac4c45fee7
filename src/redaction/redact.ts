const REDACTED = "[redacted]";

/** A PEM block, whatever a log puts before each line of it; one that is cut off goes to the end of what looks like it. */
const PEM = /-----BEGIN(?:[ +A-Z0-9]|%20)+-----[\s\S]{0,16000}?-----END(?:[ +A-Z0-9]|%20)+-----/g;
const PEM_CUT_OFF = /-----BEGIN(?:[ +A-Z0-9]|%20)+-----(?:[A-Za-z0-9+/=\s]|\\+[nr/]|%[0-9A-F]{2})*/gi;

/** What may be base64 or hex: forty characters and more, with line breaks, and escaped for JSON, PHP or a URL. */
const RUN = /(?:[A-Za-z0-9+/=_-]|%[0-9A-Fa-f]{2}|\\+u00[0-9A-Fa-f]{2}|\\+[nr/]|[\r\n]+[ \t]*){40,}/g;
const HEX_PAIRS = /(?:\b[0-9A-Fa-f]{2}[:\s]){39,}[0-9A-Fa-f]{2}\b/g;
const NUMBERS = /(?:-?\d{1,3}\s*,\s*){40,}-?\d{1,3}/g;
/** How often what is encoded may be encoded again. */
const MAX_DEPTH = 3;
/** A key or a certificate begins with an ASN.1 sequence of some hundred bytes; this is that in base64. */
const DER_IN_BASE64 = /(?:^|[^A-Za-z0-9+/])MI[IG][A-Za-z0-9+/]{80}/;

const NAME = "(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|app[_-]?key|access[_-]?key|client-key-data)";
const SECRET_NAME = new RegExp(NAME, "i");
/** What is replaced by its first groups and the mark: a value whose name says that it is secret. */
const NAMED: readonly RegExp[] = [
  // "password": "x", 'password' => 'x', password="x", with quotes escaped or not: to the same quote, or the line's end.
  new RegExp(`(${NAME}\\w*(?:\\\\*["'])?\\s*(?:=>|[:=])\\s*(\\\\*["']))(?:(?!\\2).)*`, "gi"),
  // "token": x
  new RegExp(`(${NAME}\\w*\\\\*["']\\s*:\\s*)(?![\\\\"'[{\\s])[^\\s,}\\]]+`, "gi"),
  // PASSWORD=x
  new RegExp(`(${NAME}\\w*\\s*=\\s*)(?!\\\\*["']|\\[redacted|>)[^\\s&"'<>]+`, "gi"),
  // token: x, and for the others all of the line
  /(\b\w*token\s*:\s+)(?!\\*["']|\[redacted)[^\s,;]+/gi,
  new RegExp(`(?<!artifact-)(${NAME.replace("token|", "")}\\w*\\s*:\\s+)(?!\\\\*["']|\\[redacted).+`, "gi"),
  /(\s--?(?:password|passphrase|token|secret)\s+)(?!\[redacted)\S+/gi,
  /(\b(?:Set-)?Cookie\s*:\s*).+/gi,
  /(\b(?:Basic|Bearer)\s+)[A-Za-z0-9+/=._~-]{8,}/g,
  /(\bAuthorization\\*["']?\s*:(?!\s*\\*["']?(?:Basic|Bearer)\s)\s*\\*["']?)[^"'\\\n]+/gi,
  /(:\/\/[^\s:@/]*:)[^\s@/]+(?=@)/g,
  // A token in the place of a user's name.
  /(:\/\/)[^\s:@/[]{16,}(?=@)/g,
  // A JSON Web Token, a token of GitHub's.
  /()\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/g,
  /()\b(?:gh[pousr]_|github_pat_)\w{20,}/g,
];

/** What takes secrets out of texts. */
export type Redact = (text: string) => string;

/**
 * Takes secrets out of a text.
 * @param secrets PEM files and passwords that must not be in it, in whatever form; besides, whatever looks like a key,
 *   a certificate or a password goes.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return prepareRedaction(secrets)(text);
}

/** The same for many texts. */
export function prepareRedaction(secrets: readonly string[]): Redact {
  const traces = traceSecrets(secrets);
  const spellings = [...new Set(secrets.flatMap(spellSecret))].toSorted((a, b) => b.length - a.length);
  return (text) => redactWith(text, traces, spellings);
}

/** A secret shorter than this is a word that stands in a text by chance, in base64 at any rate. */
const MIN_ENCODED = 8;

/** The usual forms of a secret: as it is, escaped for a URL and for JSON, in hex, and in base64 wherever its groups begin. */
function spellSecret(secret: string): readonly string[] {
  if (secret === "") return [];
  const plain = [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)];
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  if (bytes.length < MIN_ENCODED) return plain;
  const base64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // A character that holds bits of a neighbour is not the secret's alone.
    const from = before === 0 ? 0 : before + 1;
    const to = (bytes.length + before) % 3 === 0 ? encoded.length : encoded.length - 1;
    return encoded.slice(from, to);
  });
  const inUrls = base64.map((each) => each.replaceAll("+", "-").replaceAll("/", "_"));
  return [...plain, ...base64, ...inUrls, hex, hex.toUpperCase()];
}

function redactWith(text: string, traces: Traces, spellings: readonly string[]): string {
  const hide = (found: string, bytes: Buffer) => (isSecret(bytes, traces, MAX_DEPTH) ? REDACTED : found);
  const known = spellings.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  const decoded = known
    .replace(PEM, REDACTED)
    .replace(PEM_CUT_OFF, REDACTED)
    .replace(RUN, (run) => (isEncodedSecret(run, traces, MAX_DEPTH) ? REDACTED : run))
    .replace(HEX_PAIRS, (pairs) => hide(pairs, Buffer.from(pairs.replace(/[:\s]/g, ""), "hex")))
    .replace(NUMBERS, (numbers) => hide(numbers, Buffer.from(numbers.split(",").map(Number))));
  return NAMED.reduce((rest, rule) => rest.replace(rule, `$1${REDACTED}`), decoded);
}

/** The same for what is JSON: every text in it, and each value whose name, or the `name` beside it, tells of a secret. */
export function redactJson(value: unknown, clean: Redact): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((item) => redactJson(item, clean));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const name = entries.find(([key]) => key === "name")?.[1];
  const named = typeof name === "string" && SECRET_NAME.test(name);
  return Object.fromEntries(
    entries.map(([key, item]) => {
      const secret = SECRET_NAME.test(key) || (named && key === "value");
      return [key, secret && item !== null ? REDACTED : redactJson(item, clean)];
    }),
  );
}

/** Pieces of the secrets, small enough that one of them is whole in any part worth hiding. */
interface Traces {
  readonly texts: readonly string[];
  readonly bytes: readonly Buffer[];
}

const TEXT_PIECE = 24;
const BYTE_PIECE = 18;

function traceSecrets(secrets: readonly string[]): Traces {
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

function isSecret(bytes: Buffer, traces: Traces, depth: number): boolean {
  if (traces.bytes.some((piece) => bytes.includes(piece))) return true;
  const text = bytes.toString("latin1");
  if (/-----BEGIN[ +%]/.test(text) || traces.texts.some((piece) => text.includes(piece))) return true;
  return depth > 0 && (text.match(RUN) ?? []).some((run) => isEncodedSecret(run, traces, depth - 1));
}

function isEncodedSecret(run: string, traces: Traces, depth: number): boolean {
  const plain = run
    .replace(/%([0-9A-Fa-f]{2})|\\+u00([0-9A-Fa-f]{2})/g, (_, url = "", json = "") =>
      String.fromCharCode(Number.parseInt(`${url}${json}`, 16)),
    )
    .replace(/\\+[nr]|\s+/g, "")
    .replace(/\\+\//g, "/");
  const base64 = plain.replaceAll("-", "+").replaceAll("_", "/");
  if (traces.texts.some((piece) => base64.includes(piece)) || DER_IN_BASE64.test(base64)) return true;
  if (/^[0-9A-Fa-f]{64,}$/.test(plain) && isSecret(Buffer.from(plain, "hex"), traces, depth)) return true;
  // What stands before it without a space, a name or a path, may shift where its groups begin.
  return base64
    .split(/=+/)
    .filter((part) => part.length >= 40)
    .some((part) => [0, 1, 2, 3].some((offset) => isSecret(Buffer.from(part.slice(offset), "base64"), traces, depth)));
}
