const REDACTED = "[redacted]";

/** A PEM block; one that is cut off goes to the end of what looks like it. Line breaks may be escaped, once or twice. */
const PEM = /-----BEGIN [A-Z0-9 ]+-----(?:[A-Za-z0-9+/=\s]|\\+[nr])*(?:-----END [A-Z0-9 ]+-----)?/g;
/** "-----BEGIN" in base64: what the Kubernetes connector makes of the files it reads. */
const PEM_IN_BASE64 = /LS0tLS1CRUdJTi(?:[A-Za-z0-9+/=_-]|\\+[nr]|[\r\n])*/g;
const AUTHORIZATION = /\b(Basic|Bearer) [A-Za-z0-9+/=._~-]{8,}/g;
/** `password: x`, `"password":"x"`, `PASSWORD=x`, with quotes escaped or not. */
const PASSWORD = /((?:password|passwd|passphrase|secret|token)\w*(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?)[^\s"'\\,;&}]+/gi;

/**
 * Takes secrets out of a text: those given, in whatever form they appear, and whatever looks like a key, a
 * certificate or a password.
 */
export function redact(text: string, secrets: readonly string[]): string {
  const known = secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return known
    .replace(PEM, REDACTED)
    .replace(PEM_IN_BASE64, REDACTED)
    .replace(AUTHORIZATION, `$1 ${REDACTED}`)
    .replace(PASSWORD, `$1${REDACTED}`);
}

/**
 * The forms in which a PEM file shows up in logs and process variables: whole, line by line, with its line breaks
 * escaped, in base64, and in base64 as a part of something longer, which begins at any of three places in a group.
 */
export function formsOfPem(pem: string): readonly string[] {
  const lines = pem.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("-----"));
  const whole = [pem, pem.trim(), lines.join("")];
  const encoded = whole.map((text) => Buffer.from(text).toString("base64"));
  // A short last line would be found in innocent text too.
  const long = lines.filter((line) => line.length >= 16);
  const inside = long.flatMap((line) =>
    [0, 1, 2].map((offset) => Buffer.from(line).subarray(offset, offset + Math.floor((line.length - offset) / 3) * 3)),
  );
  return [...new Set([...whole, ...encoded, ...long, ...inside.map((part) => part.toString("base64"))])].filter(
    (form) => form.length >= 16,
  );
}
