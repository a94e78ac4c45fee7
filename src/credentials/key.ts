import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

export type KeyAlgorithm = "rsa-2048" | "ecdsa-p256";

/** A private key and the request for its certificate, both in PEM. */
export interface KeyAndRequest {
  /** PKCS#8, unencrypted: written 0600 and nowhere else. */
  readonly privateKey: string;
  readonly certificateRequest: string;
}

/** Creates a private key. */
export async function createKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  const pair =
    algorithm === "rsa-2048"
      ? promisify(generateKeyPair)("rsa", { modulusLength: 2048 })
      : promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  return (await pair).privateKey;
}

/**
 * Creates the certificate request of a user for a key. Kubernetes reads the common name as the user's name and each organization
 * as a group (authentication with X509 client certificates).
 */
export async function createRequest(
  user: string,
  groups: readonly string[],
  privateKey: KeyObject,
): Promise<KeyAndRequest> {
  const publicKey = createPublicKey(privateKey);
  // Loaded when needed: the check of the inputs must not wait for an ASN.1 library.
  const { createCertificateRequest } = await import("./csr.ts");
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificateRequest: createCertificateRequest({ commonName: user, organizations: groups, privateKey, publicKey }),
  };
}

/** The key as PKCS#8, encrypted with AES-256: the only form that may go into an artifact. */
export function encryptKey(privateKey: string, passphrase: string): string {
  return createPrivateKey(privateKey)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })
    .toString();
}
