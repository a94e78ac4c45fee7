import { stripVTControlCharacters } from "node:util";

const characters = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What terminals show two columns wide: scripts of East Asia, and pictures. */
const WIDE =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\ufe0f|\p{Emoji_Presentation}/u;
const NONE = /^[\p{M}\p{Cf}]+$/u;

function widthOf(character: string): number {
  if (NONE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** How many columns a text takes; where terminals differ, the larger number. */
export function displayWidth(text: string): number {
  return [...characters.segment(text)].reduce((width, { segment }) => width + widthOf(segment), 0);
}

/** A text in one line of at most so many columns, with what a terminal would act on left out; what is cut off ends in a dot. */
export function fitWidth(text: string, columns: number): string {
  const line = stripVTControlCharacters(text)
    .replace(/\s+/g, " ")
    // Control characters, and those that turn the direction.
    .replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\ufffd")
    .trimEnd();
  // A character takes at most two columns, and a few of its own.
  const parts = [...characters.segment(line.slice(0, columns * 16))].map(({ segment }) => segment);
  let width = 0;
  const end = parts.findIndex((part) => {
    width += widthOf(part);
    return width > columns;
  });
  if (end === -1) return parts.join("");
  let kept = parts.slice(0, end);
  while (kept.length > 0 && displayWidth(kept.join("")) > columns - 1) kept = kept.slice(0, -1);
  return columns < 1 ? "" : `${kept.join("")}…`;
}
