import { isEncodedSecret, isSecret, RUN, type Traces, traceSecrets } from "./encoded.ts";
import { PEM_CUT_OFF, redactPem } from "./pem.ts";
import { NAMED, REDACTED, SECRET_NAME } from "./rules.ts";
import { spellSecret } from "./spellings.ts";

/*
 * The patterns of this room are linear: others write the texts that they are tried on. Each repetition is bounded, or
 * cannot begin again within what it has passed over.
 */

/** What takes secrets out of texts. */
export type Redact = (text: string) => string;

/**
 * Takes secrets out of a text.
 * @param secrets PEM files and passwords that must not be in it, in whatever form. Whatever looks like a key, a
 *   certificate or a password is taken out too.
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

const HEX_PAIRS = /(?:\b[0-9A-Fa-f]{2}[:\s]){39,50000}[0-9A-Fa-f]{2}\b/g;
const NUMBERS = /(?:-?\d{1,3}\s{0,100},\s{0,100}){40,50000}-?\d{1,3}/g;

/** A text that cannot be searched (V8 gives up on some that were made for that) is not shown. */
function redactWith(text: string, traces: Traces, spellings: readonly string[]): string {
  try {
    return searchText(text, traces, spellings);
  } catch (error) {
    if (error instanceof RangeError) return `[redacted: ${text.length} characters that cannot be searched for secrets]`;
    throw error;
  }
}

function searchText(text: string, traces: Traces, spellings: readonly string[]): string {
  const hide = (found: string, bytes: Buffer) => (isSecret(bytes, traces) ? REDACTED : found);
  const known = spellings.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  let secretTo = -1;
  const decoded = redactPem(known)
    .replace(PEM_CUT_OFF, REDACTED)
    .replace(RUN, (run, at: number) => {
      // What follows without a gap is the rest of a run that is longer than what is examined at once.
      if (secretTo !== at && !isEncodedSecret(run, traces)) return run;
      secretTo = at + run.length;
      return REDACTED;
    })
    .replace(HEX_PAIRS, (pairs) => hide(pairs, Buffer.from(pairs.replace(/[:\s]/g, ""), "hex")))
    .replace(NUMBERS, (numbers) => hide(numbers, Buffer.from(numbers.split(",").map(Number))));
  return NAMED.reduce((rest, rule) => rest.replace(rule, `$1${REDACTED}`), decoded);
}

/** The same for what is JSON: every text in it, and each value whose name, or the `name` next to it, says that it is secret. */
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
