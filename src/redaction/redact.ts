const REDACTED = "[redacted]";

/**
 * The patterns are linear: others write what they are tried on. Each repetition is bounded, or cannot begin again within
 * what it has passed over.
 */

/** The first and the last line of a PEM block, without the last dashes, which may be the next one's first. */
const PEM_MARK = /-----(BEGIN|END)(?:[ +A-Z0-9]|%20){1,100}(?=-----)/g;
const MAX_PEM = 16_000;

/** A PEM block that is cut off, to the end of what looks like it. */
const PEM_CUT_OFF =
  /-----BEGIN(?:[ +A-Z0-9]|%20){1,100}-----(?:[A-Za-z0-9+/=\s]|(?<!\\)\\{1,32}[nr/]|%[0-9A-F]{2}){0,65536}/gi;

/** The end of a line of PEM, whatever a log puts before it. */
const PEM_LINE = /(?:^|[\s"'|:>\]])[A-Za-z0-9+/]{16,}={0,2}$/;

/** What may be base64 or hex: forty characters and more, with line breaks, and escaped for JSON, PHP or a URL. */
const RUN =
  /(?:[A-Za-z0-9+/=_-]|%[0-9A-Fa-f]{2}|(?<!\\)\\{1,32}(?:u00[0-9A-Fa-f]{2}|[nr/])|[\r\n][ \t]{0,100}){40,200000}/g;
const HEX_PAIRS = /(?:\b[0-9A-Fa-f]{2}[:\s]){39,50000}[0-9A-Fa-f]{2}\b/g;
const NUMBERS = /(?:-?\d{1,3}\s{0,100},\s{0,100}){40,50000}-?\d{1,3}/g;

/** How often what is encoded may be encoded again. */
const MAX_DEPTH = 3;

/** A key or a certificate begins with an ASN.1 sequence of some hundred bytes; this is that in base64. */
const DER_IN_BASE64 = /(?:^|[^A-Za-z0-9+/])MI[IG][A-Za-z0-9+/]{80}/;

const NAME = "(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|app[_-]?key|access[_-]?key|client-key-data)";
const SECRET_NAME = new RegExp(NAME, "i");

/** What is replaced by its first groups and the mark: a value whose name says that it is secret. */
const NAMED: readonly RegExp[] = [
  // "password": "x", 'password' => 'x', password="x", with quotes escaped or not: to the same quote, or the line's end.
  new RegExp(
    `(${NAME}\\w{0,80}(?:\\\\{0,32}["'])?\\s{0,100}(?:=>|[:=])\\s{0,100}(\\\\{0,32}["']))(?:(?!\\2).){0,200000}`,
    "gi",
  ),
  // "token": x
  new RegExp(`(${NAME}\\w{0,80}\\\\{0,32}["']\\s{0,100}:\\s{0,100})(?![\\\\"'[{\\s])[^\\s,}\\]]+`, "gi"),
  // PASSWORD=x
  new RegExp(`(${NAME}\\w{0,80}\\s{0,100}=\\s{0,100})(?!\\\\{0,32}["']|\\[redacted|>)[^\\s&"'<>]+`, "gi"),
  // token: x, and for the others all of the line
  /(\b\w{0,200}token\s{0,100}:\s{1,100})(?!\\{0,32}["']|\[redacted)[^\s,;]+/gi,
  new RegExp(
    `(?<!artifact-)(${NAME.replace("token|", "")}\\w{0,80}\\s{0,100}:\\s{1,100})(?!\\\\{0,32}["']|\\[redacted).+`,
    "gi",
  ),
  /(\s--?(?:password|passphrase|token|secret)\s{1,100})(?!\[redacted)\S+/gi,
  /(\b(?:Set-)?Cookie\s{0,100}:\s{0,100}).+/gi,
  /(\b(?:Basic|Bearer)\s{1,100})[A-Za-z0-9+/=._~-]{8,}/g,
  /(\bAuthorization\\{0,32}["']?\s{0,100}:(?!\s{0,100}\\{0,32}["']?(?:Basic|Bearer)\s)\s{0,100}\\{0,32}["']?)[^"'\\\n]+/gi,
  /(:\/\/[^\s:@/]*:)[^\s@/]+(?=@)/g,
  // A token in the place of a user's name.
  /(:\/\/)[^\s:@/[]{16,}(?=@)/g,
  // A JSON Web Token, looked for once a word, and a token of GitHub's.
  /(?<![\w-])(?=[\w-]{11,100000}\.eyJ[\w-]{8,100000}\.[\w-])([\w-]*?)\beyJ[\w-]{8,100000}\.eyJ[\w-]{8,100000}\.[\w-]{1,100000}/g,
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
  const base64 = [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    const encoded = padded.replace(/=+$/, "");
    // A character that holds bits of a neighbour is not the secret's alone, but where the secret is the end of the text.
    const from = before === 0 ? 0 : before + 1;
    const to = (bytes.length + before) % 3 === 0 ? encoded.length : encoded.length - 1;
    return [padded.slice(from), encoded.slice(from), encoded.slice(from, to)];
  });
  const inUrls = base64.map((each) => each.replaceAll("+", "-").replaceAll("/", "_"));
  return [...plain, ...base64, ...inUrls, hex, hex.toUpperCase()];
}

/** A text that cannot be searched (V8 gives up on some that are made for it) is not shown. */
function redactWith(text: string, traces: Traces, spellings: readonly string[]): string {
  try {
    return searchText(text, traces, spellings);
  } catch (error) {
    if (error instanceof RangeError) return `[redacted: ${text.length} characters that cannot be searched for secrets]`;
    throw error;
  }
}

function searchText(text: string, traces: Traces, spellings: readonly string[]): string {
  const hide = (found: string, bytes: Buffer) => (isSecret(bytes, traces, MAX_DEPTH) ? REDACTED : found);
  const known = spellings.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  let secretTo = -1;
  const decoded = redactPem(known)
    .replace(PEM_CUT_OFF, REDACTED)
    .replace(RUN, (run, at: number) => {
      // What follows without a gap is the rest of a run that is longer than what is looked at at once.
      if (secretTo !== at && !isEncodedSecret(run, traces, MAX_DEPTH)) return run;
      secretTo = at + run.length;
      return REDACTED;
    })
    .replace(HEX_PAIRS, (pairs) => hide(pairs, Buffer.from(pairs.replace(/[:\s]/g, ""), "hex")))
    .replace(NUMBERS, (numbers) => hide(numbers, Buffer.from(numbers.split(",").map(Number))));
  return NAMED.reduce((rest, rule) => rest.replace(rule, `$1${REDACTED}`), decoded);
}

/** Replaces PEM blocks, whatever a log puts before each line of them, also those whose beginning is cut off. */
function redactPem(text: string): string {
  const kept: string[] = [];
  let begins: { readonly from: number; readonly to: number }[] = [];
  let done = 0;
  for (const mark of text.matchAll(PEM_MARK)) {
    const to = mark.index + mark[0].length + 5;
    if (mark[1] === "BEGIN") {
      begins.push({ from: mark.index, to });
      continue;
    }
    const whole = begins.find((begin) => mark.index - begin.to <= MAX_PEM)?.from;
    const from = Math.max(done, whole ?? findBody(text, Math.max(done, mark.index - MAX_PEM), mark.index));
    kept.push(text.slice(done, from), REDACTED);
    begins = [];
    done = to;
  }
  kept.push(text.slice(done));
  return kept.join("");
}

/** Where the body of a PEM block begins whose first line is not there. */
function findBody(text: string, least: number, end: number): number {
  const isBody = (at: number) => /[A-Za-z0-9+/=\s\\%]/.test(text.charAt(at));
  let from = end;
  while (from > least && isBody(from - 1)) from -= 1;
  // The lines, where something stands before each.
  const last = text.lastIndexOf("\n", end - 1);
  let line = last;
  while (line > least) {
    const before = Math.max(least, text.lastIndexOf("\n", line - 1) + 1);
    if (PEM_LINE.test(text.slice(before, line).trimEnd())) from = Math.min(from, before);
    // The last one may be short.
    else if (line !== last) break;
    line = before - 1;
  }
  return from;
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
    .replace(/%([0-9A-Fa-f]{2})|\\{1,32}u00([0-9A-Fa-f]{2})/g, (_, url = "", json = "") =>
      String.fromCharCode(Number.parseInt(`${url}${json}`, 16)),
    )
    .replace(/\\{1,32}[nr]|\s+/g, "")
    .replace(/\\{1,32}\//g, "/");
  const base64 = plain.replaceAll("-", "+").replaceAll("_", "/");
  if (traces.texts.some((piece) => base64.includes(piece)) || DER_IN_BASE64.test(base64)) return true;
  if (/^[0-9A-Fa-f]{64,}$/.test(plain) && isSecret(Buffer.from(plain, "hex"), traces, depth)) return true;
  // What stands before it without a space, a name or a path, may shift where its groups begin.
  return base64
    .split(/=+/)
    .filter((part) => part.length >= 40)
    .some((part) => [0, 1, 2, 3].some((offset) => isSecret(Buffer.from(part.slice(offset), "base64"), traces, depth)));
}
