/** GitHub shows no summary of a step that is longer. */
export const SUMMARY_BYTES = 1024 * 1024;

/** In a message, a line that begins with this is the output of a program. */
export const OUTPUT_INDENT = "  ";

/** The length of a text in UTF-8, as files and GitHub count it. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** A place at or just before `index` that is not inside a character. */
export function boundary(text: string, index: number): number {
  const code = text.codePointAt(index - 1) ?? 0;
  return index > 0 && index < text.length && code > 0xffff ? index - 1 : index;
}

/** A message, or as much of its start and its end as fits, with a line between them that says how much is not shown. */
export function cutMiddle(message: string, fits: (shown: string) => boolean): string {
  // Each character takes at least a byte: what is longer cannot fit, and need not be tried.
  if (message.length <= SUMMARY_BYTES && fits(message)) return message;
  let [low, high] = [0, Math.min(message.length, SUMMARY_BYTES)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(withoutMiddle(message, middle))) low = middle;
    else high = middle - 1;
  }
  return withoutMiddle(message, low);
}

/** About `length` characters of a message: three quarters from its start, the rest from its end, in whole lines if possible. */
function withoutMiddle(message: string, length: number): string {
  const head = message.slice(0, endOfHead(message, length - Math.floor(length / 4)));
  const start = Math.max(head.length, startOfTail(message, message.length - Math.floor(length / 4)));
  // The rest of a program's line is still a program's.
  const lineStart = message.lastIndexOf("\n", start - 1) + 1;
  const indent = lineStart < start && message.startsWith(OUTPUT_INDENT, lineStart) ? OUTPUT_INDENT : "";
  const cut = byteLength(message.slice(head.length, start));
  return `${head}\n[${cut} bytes are not shown here: the message is longer than a summary can be]\n${indent}${message.slice(start)}`;
}

/** How much more is cut if that keeps a line whole. */
const LONGEST_LINE = 2000;

function endOfHead(message: string, index: number): number {
  const end = message.lastIndexOf("\n", index);
  return end >= 0 && end > index - LONGEST_LINE ? end : boundary(message, index);
}

function startOfTail(message: string, index: number): number {
  const end = message.indexOf("\n", Math.max(0, index - 1));
  return end >= 0 && end < index + LONGEST_LINE ? end + 1 : boundary(message, index);
}
