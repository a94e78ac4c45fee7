import { BREAK, escapeText, toLine } from "./escape.ts";

/** A piece of one line. Adjacent texts are escaped as one, so that no markup appears where they meet. */
class Inline {
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }
}

// The type alone: a private field cannot be imitated, so without the class no other module can create one.
export type { Inline };

type Part = { readonly text: string } | { readonly markup: string };

/** A finished piece of a line, or text that will be escaped. */
export type Content = Inline | string;

/** Text that others wrote, in one line. */
export function text(value: string): Inline {
  return new Inline([{ text: toLine(value) }]);
}

/** Text in a code span; an empty one shows nothing. */
export function code(value: string): Inline {
  const line = toLine(value);
  if (line === "") return new Inline([]);
  // In a span of backticks neither a backtick nor a table's pipe can be escaped.
  const plain = !/[`|]/.test(line) && line.trim() === line;
  return new Inline([{ markup: plain ? `\`${line}\`` : `<code>${escapeText(line)}</code>` }]);
}

/** A link to an http or https URL without a password in it; anything else is shown as text. */
export function link(label: string, url: string): Inline {
  if (!isAddress(url)) return label === url ? text(url) : inline`${label} (${url})`;
  // As HTML: nothing in the label or next to it can end it, or turn it into an image.
  return new Inline([{ markup: `<a href="${url.replaceAll("&", "&amp;")}">${escapeText(toLine(label))}</a>` }]);
}

/** Whether a text is an address to link to, without characters that end a link or hide where it leads. */
function isAddress(url: string): boolean {
  if (!/^https?:\/\/[\w\-.~:/?#@&=+,;%]+$/i.test(url) || !URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username === "" && password === "";
}

/** A line of several pieces: everything except code spans and links is text. */
export function inline(literals: TemplateStringsArray, ...values: readonly Content[]): Inline {
  return concat(literals.flatMap((literal, index) => [literal, values[index] ?? ""]));
}

/** The pieces of a list, separated by commas. */
export function list(items: readonly Content[]): Inline {
  return concat(items.flatMap((item, index) => (index === 0 ? [item] : [", ", item])));
}

function concat(pieces: readonly Content[]): Inline {
  return new Inline(pieces.flatMap((piece) => toInline(piece).parts));
}

function toInline(content: Content): Inline {
  return typeof content === "string" ? text(content) : content;
}

/** The piece as Markdown. */
export function renderInline(content: Content): string {
  const pieces: string[] = [];
  let pending = "";
  for (const part of toInline(content).parts) {
    if ("text" in part) {
      pending += part.text;
      continue;
    }
    pieces.push(escapeText(pending), part.markup);
    pending = "";
  }
  pieces.push(escapeText(pending));
  // Two adjacent code spans would be one.
  return pieces.reduce(
    (line, piece) => `${line}${line.endsWith("`") && piece.startsWith("`") ? BREAK : ""}${piece}`,
    "",
  );
}
