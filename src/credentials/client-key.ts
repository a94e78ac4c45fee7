import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Parsed } from "../values/issue.ts";

/** A private key that the user brings; a secret. */
export interface ClientKey {
  /** As it was written. */
  readonly text: string;
  readonly key: KeyObject;
}

const ALLOWED = "a private key in PEM without a passphrase: RSA of 2048 bits or more, or ECDSA on P-256 or P-384";

/** The curves that Kubernetes' clients and Java's know, by OpenSSL's names. */
const CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1"]);

const MIN_RSA_BITS = 2048;

/** Reads a private key: PKCS#8, PKCS#1 or SEC1. Nothing of it is ever part of a message. */
export function parseClientKey(text: string): Parsed<ClientKey> {
  const reject = (reason: string, fix: string) => ({ issue: { reason, allowed: ALLOWED, fix } });
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type:.*ENCRYPTED/m.test(text)) {
    return reject("is encrypted with a passphrase", "decrypt it first: openssl pkey -in encrypted.key -out plain.key");
  }
  const key = readKey(text);
  if (key === undefined)
    return reject("is not a private key in PEM", "name a file that begins with -----BEGIN PRIVATE KEY-----");
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa" && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return { value: { text, key } };
  if (type === "ec" && CURVES.has(details?.namedCurve ?? "")) return { value: { text, key: withNamedCurve(key) } };
  const size = type === "rsa" ? ` of ${details?.modulusLength} bits` : "";
  const curve = type === "ec" ? ` on ${details?.namedCurve}` : "";
  return reject(
    `is a key of the type ${type}${size}${curve}`,
    "make another one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out torch.key",
  );
}

/** A key may have all numbers of its curve in place of the name, which the API server does not take in a request. */
function withNamedCurve(key: KeyObject): KeyObject {
  return createPrivateKey({ key: key.export({ format: "jwk" }), format: "jwk" });
}

function readKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    // The parser's words may have a piece of the text.
    return undefined;
  }
}
