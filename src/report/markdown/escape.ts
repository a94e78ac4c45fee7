import { boundary } from "./size.ts";

/** Every kind of line end: Markdown's own, and those that other readers treat as one. */
export const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/** Shows nothing, and separates what is on either side of it. */
export const BREAK = "<span></span>";

/** The longest piece of text in a table or a line; nobody reads a longer one there. */
const INLINE_LENGTH = 20_000;

/**
 * What GitHub turns into something else even after a backslash: mentions and e-mail addresses, issues, formulas,
 * addresses, emoji. An element around the one character takes it out of the text in which GitHub looks for them.
 */
const REFERENCE = /([@$]|#(?=\d)|(?<=\bgh)-(?=\d)|(?<=www)\.|:(?=\/\/|[\w+-]+:)|(?<=mailto|xmpp):)/iu;

/** Markdown's own characters. An underscore inside a word is not one, so a token keeps the form that is masked. */
const MARKUP = /[\\`*[\]~#|]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** Text of one line as Markdown that shows exactly that text, anywhere in a line except at its start. */
export function escapeText(line: string): string {
  return escapePieces(line, (piece) => escapeTags(piece).replace(MARKUP, "\\$&"));
}

/** The same in a line that Markdown leaves alone, because it begins with an element: a backslash there would be shown. */
export function escapeHtml(line: string): string {
  return escapePieces(line, escapeTags);
}

function escapePieces(line: string, escapePiece: (piece: string) => string): string {
  return line
    .split(REFERENCE)
    .map((piece, index) => (index % 2 === 1 ? `<span>${piece}</span>` : escapePiece(piece)))
    .join("");
}

function escapeTags(piece: string): string {
  return piece.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Escaped text at the start of a line, where more is markup: lists, underlines of headings, quotations, indentation. */
export function startLine(escaped: string): string {
  if (escaped.trim() === "") return "&#32;";
  return escaped
    .replace(/^\s+/, "&#32;")
    .replace(/^[-+=:>]/, "\\$&")
    .replace(/^(\d{1,9})([.)])/, "$1\\$2");
}

/** A text as one line that is not too long. */
export function toLine(text: string): string {
  const lines = text.slice(0, INLINE_LENGTH * 2).split(LINE_END);
  const line = lines.length === 1 ? (lines[0] ?? "") : joinLines(lines);
  if (line.length <= INLINE_LENGTH && text.length <= INLINE_LENGTH * 2) return makeVisible(line);
  return `${makeVisible(line.slice(0, boundary(line, INLINE_LENGTH)))} … (cut: it has ${text.length} characters)`;
}

function joinLines(lines: readonly string[]): string {
  return lines
    .map((line) => line.trim())
    .filter(Boolean)
    .join(" ");
}

/** A line whose control characters, and those that reorder or hide text, are made visible. */
export function makeVisible(line: string): string {
  return line.toWellFormed().replace(UNSEEN, (character) => {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x20) return String.fromCodePoint(0x2400 + point);
    if (point === 0x7f) return "\u2421";
    return `<U+${point.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Not a tab, and not the joiners that emoji and some scripts are written with. */
const UNSEEN = /(?![\t\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;
