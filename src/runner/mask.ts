import { setSecret } from "@actions/core";

/**
 * Masks a key in every form in which it could appear in a log: each line (the runner masks line by line), the whole
 * in base64, and what else is given.
 */
export function maskKey(pem: string, ...others: readonly string[]): void {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  for (const secret of [...lines, Buffer.from(pem).toString("base64"), ...others]) setSecret(secret);
}

/** Masks a text as it is. */
export function maskText(secret: string): void {
  setSecret(secret);
}
