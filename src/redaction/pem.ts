import { REDACTED } from "./rules.ts";

/** The first and the last line of a PEM block, without the last dashes, which may be the next one's first. */
const PEM_MARK = /-----(BEGIN|END)(?:[ +A-Z0-9]|%20){1,100}(?=-----)/g;
const MAX_PEM = 16_000;

/** A PEM block that is cut off, up to the end of what looks like one. */
export const PEM_CUT_OFF =
  /-----BEGIN(?:[ +A-Z0-9]|%20){1,100}-----(?:[A-Za-z0-9+/=\s]|(?<!\\)\\{1,32}[nr/]|%[0-9A-F]{2}){0,65536}/gi;

/** The end of a line of PEM, whatever a log puts before it. */
const PEM_LINE = /(?:^|[\s"'|:>\]])[A-Za-z0-9+/]{16,}={0,2}$/;

/** Replaces PEM blocks, whatever a log puts before each line of them, including those whose beginning is cut off. */
export function redactPem(text: string): string {
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

/** Where the body of a PEM block begins whose first line is missing. */
function findBody(text: string, least: number, end: number): number {
  const isBody = (at: number) => /[A-Za-z0-9+/=\s\\%]/.test(text.charAt(at));
  let from = end;
  while (from > least && isBody(from - 1)) from -= 1;
  // The lines, if each has something before it.
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
