import { setSecret } from "@actions/core";
import { readAmbientSecrets } from "../redaction/environment.ts";
import { prepareRedaction, type Redact, redactJson } from "../redaction/redact.ts";

/** The secrets that this process knows and must not print: like the runner's masks, one list for all of it. */
const known = new Set<string>();
let prepared: Redact | undefined;

/** Adds secrets to what {@link withoutSecrets} takes out, without having the runner mask them. */
export function hide(...secrets: readonly string[]): void {
  for (const secret of secrets) if (secret !== "") known.add(secret);
  prepared = undefined;
}

/**
 * Masks a key in every form in which it could appear in a log: each line (the runner masks line by line), the whole
 * in base64, and the other secrets given.
 */
export function maskKey(pem: string, ...others: readonly string[]): void {
  const lines = pem.split("\n").map((line) => line.trim());
  const secrets = lines.filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line));
  for (const secret of [...secrets, Buffer.from(pem).toString("base64"), ...others]) setSecret(secret);
  hide(pem, ...others);
}

/** Masks a text as it is. */
export function maskText(secret: string): void {
  if (secret === "") return;
  setSecret(secret);
  hide(secret);
}

/** Masks and hides the secrets in the job's environment. */
export async function hideEnvironment(environment: NodeJS.ProcessEnv): Promise<void> {
  const { passwords, values } = await readAmbientSecrets(environment);
  for (const password of passwords) maskText(password);
  hide(...values);
}

/** A text without known secrets, in whatever form, and without whatever looks like a key or a password. */
export function withoutSecrets(text: string): string {
  prepared ??= prepareRedaction([...known]);
  return prepared(text);
}

/** The same for what is JSON. */
export function withoutSecretsInJson(value: unknown): unknown {
  return redactJson(value, withoutSecrets);
}
