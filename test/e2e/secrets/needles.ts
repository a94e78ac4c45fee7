import { createPrivateKey } from "node:crypto";

/** Something that must not be found: the bytes of which no piece may turn up. */
export interface Secret {
  readonly name: string;
  readonly parts: readonly Buffer[];
}

/** A password, a passphrase or a token. */
export function secretText(name: string, text: string): Secret {
  return { name, parts: [Buffer.from(text)] };
}

/** A JSON Web Token: its first part, which says how it is signed, is the same in many tokens. */
export function secretToken(name: string, token: string): Secret {
  return secretText(name, token.slice(token.indexOf(".") + 1));
}

/** A private key in PEM: its private numbers. What else is in it is public, and in the certificate as well. */
export function secretKey(name: string, pem: string): Secret {
  const key = createPrivateKey(pem).export({ format: "jwk" });
  const numbers = [key.d, key.p, key.q, key.dp, key.dq, key.qi];
  return { name, parts: numbers.flatMap((number) => (number === undefined ? [] : [Buffer.from(number, "base64url")])) };
}

/** Bytes to look for, and what they are: `user's key in base64 of base64`. */
export interface Needle {
  readonly bytes: Buffer;
  readonly what: string;
}

/** Whatever is as long as a piece and a step together holds a whole piece. */
const PIECE = 16;
const STEP = 8;

/** Everything to look for: each piece of each secret in each encoding. */
export function needlesOf(secrets: readonly Secret[]): readonly Needle[] {
  const found = new Map<string, Needle>();
  for (const { name, parts } of secrets) {
    for (const piece of parts.flatMap(cut)) {
      for (const { bytes, how } of encode(piece)) {
        const what = how === "" ? name : `${name} in ${how}`;
        if (!found.has(bytes.toString("latin1"))) found.set(bytes.toString("latin1"), { bytes, what });
      }
    }
  }
  return [...found.values()];
}

function cut(bytes: Buffer): readonly Buffer[] {
  if (bytes.length < PIECE) throw new Error(`a secret of ${bytes.length} bytes could be found by chance`);
  const starts = Array.from({ length: Math.ceil((bytes.length - PIECE) / STEP) }, (_, index) => index * STEP);
  return [...starts, bytes.length - PIECE].map((from) => bytes.subarray(from, from + PIECE));
}

interface Encoded {
  readonly bytes: Buffer;
  readonly how: string;
}

/**
 * A piece as it is and encoded: in base64, which is how a key's PEM has it, up to three times (a kubeconfig has the base64 of
 * a PEM, and is itself kept in base64), and each of these in hex and escaped for a URL and for JSON.
 */
function encode(piece: Buffer): readonly Encoded[] {
  const plain = [{ bytes: piece, how: "" }];
  const once = plain.flatMap(inBase64);
  const twice = once.flatMap(inBase64);
  const thrice = twice.flatMap(inBase64);
  const inText = [...plain, ...once, ...twice].flatMap((each) => [...inHex(each), ...escaped(each)]);
  return [...plain, ...once, ...twice, ...thrice, ...inText];
}

const within = (how: string, inner: string) => (inner === "" ? how : `${how} of ${inner}`);

/** Wherever in a longer text the piece begins, its groups begin at one of three places. */
function inBase64({ bytes, how }: Encoded): readonly Encoded[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    // A character that also holds bits of a neighbour is not the piece's alone.
    const own = text.slice(before === 0 ? 0 : before + 1, Math.floor(((bytes.length + before) * 8) / 6));
    const inUrl = own.replaceAll("+", "-").replaceAll("/", "_");
    const standard = { bytes: Buffer.from(own), how: within("base64", how) };
    return inUrl === own ? [standard] : [standard, { bytes: Buffer.from(inUrl), how: within("base64url", how) }];
  });
}

function inHex({ bytes, how }: Encoded): readonly Encoded[] {
  const text = bytes.toString("hex");
  return [text, text.toUpperCase()].map((hex) => ({ bytes: Buffer.from(hex), how: within("hex", how) }));
}

/** Those escaped forms that differ from the text itself. */
function escaped({ bytes, how }: Encoded): readonly Encoded[] {
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes)) return [];
  const url = encodeURIComponent(text);
  const json = JSON.stringify(text).slice(1, -1);
  const forms = [
    ...[url, url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())].map((form) => [form, "a URL"] as const),
    ...[json, json.replaceAll("/", "\\/"), JSON.stringify(json).slice(1, -1)].map((form) => [form, "JSON"] as const),
  ];
  return forms
    .filter(([form]) => form !== text)
    .map(([form, what]) => ({ bytes: Buffer.from(form), how: within(what, how) }));
}
