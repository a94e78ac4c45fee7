/** In base64 or hex, a secret shorter than this could be in a text by chance. */
const MIN_ENCODED = 8;

/** The usual forms of a secret: as it is, escaped for a URL and for JSON, in hex, and in base64 wherever its groups begin. */
export function spellSecret(secret: string): readonly string[] {
  if (secret === "") return [];
  const plain = [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)];
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  if (bytes.length < MIN_ENCODED) return plain;
  const base64 = [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    const encoded = padded.replace(/=+$/, "");
    // A character that also holds bits of a neighbour is not the secret's alone, unless the secret ends the text.
    const from = before === 0 ? 0 : before + 1;
    const to = (bytes.length + before) % 3 === 0 ? encoded.length : encoded.length - 1;
    return [padded.slice(from), encoded.slice(from), encoded.slice(from, to)];
  });
  const inUrls = base64.map((each) => each.replaceAll("+", "-").replaceAll("/", "_"));
  return [...plain, ...base64, ...inUrls, hex, hex.toUpperCase()];
}
