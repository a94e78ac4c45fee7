/**
 * The one module that writes Markdown. Whatever becomes part of a summary is a `string` (text of others: shown as it is,
 * never read as markup) or one of the two classes below, which nothing outside this module can create.
 */

/** A piece of one line. Neighbouring texts are escaped as one, so that no markup comes about where they meet. */
class Inline {
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }
}

/** Whole lines: a paragraph, a table, a document. */
class Markdown {
  readonly #lines: readonly string[];

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}

// The types alone: a private field cannot be imitated, and without the classes nothing else can make one.
export type { Inline, Markdown };

type Part = { readonly text: string } | { readonly markup: string };

/** What stands for itself, and text that is escaped. */
export type Content = Inline | string;

/** GitHub shows no summary of a step that is longer. */
export const SUMMARY_BYTES = 1024 * 1024;

/** What one piece of text in a table or a line may take; nobody reads a longer one there. */
const INLINE_LENGTH = 20_000;

/** The length of a text in UTF-8, as files and GitHub count it. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

// One line

/** Text of others, in one line. */
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
  // As HTML: nothing in the label or beside it can end it, or make an image of it.
  return new Inline([{ markup: `<a href="${url.replaceAll("&", "&amp;")}">${escapeText(toLine(label))}</a>` }]);
}

/** A line of several pieces: everything but code spans and links is text. */
export function inline(literals: TemplateStringsArray, ...values: readonly Content[]): Inline {
  return concat(literals.flatMap((literal, index) => [literal, values[index] ?? ""]));
}

/** The pieces of a list, one after the other in a line. */
export function list(items: readonly Content[]): Inline {
  return concat(items.flatMap((item, index) => (index === 0 ? [item] : [", ", item])));
}

function concat(pieces: readonly Content[]): Inline {
  return new Inline(pieces.flatMap((piece) => toInline(piece).parts));
}

function toInline(content: Content): Inline {
  return typeof content === "string" ? text(content) : content;
}

function renderInline(content: Content): string {
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
  // Two code spans side by side would be one.
  return pieces.reduce(
    (line, piece) => `${line}${line.endsWith("`") && piece.startsWith("`") ? BREAK : ""}${piece}`,
    "",
  );
}

// Blocks

export function heading(level: 1 | 2 | 3, content: Content): Markdown {
  return new Markdown([`${"#".repeat(level)} ${renderInline(content)}`]);
}

/** A table; each row has as many cells as the head. */
export function table(head: readonly Content[], rows: readonly (readonly Content[])[]): Markdown {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const cellsOf = (row: readonly Content[]) => head.map((_, index) => renderInline(row[index] ?? ""));
  return new Markdown([line(cellsOf(head)), line(head.map(() => "---")), ...rows.map((row) => line(cellsOf(row)))]);
}

/** Lines that are shown as they are. */
export function fenced(language: "text" | "mermaid", lines: readonly string[]): Markdown {
  const shown = lines.flatMap((line) => line.split(LINE_END)).map(makeVisible);
  const runs = FENCES.map((mark) => [longestRun(shown, mark), mark] as const);
  const [run, mark] = runs.toSorted(([a], [b]) => a - b)[0] ?? [0, FENCES[0]];
  const fence = mark.repeat(Math.min(Math.max(run + 1, SHORTEST_FENCE), LONGEST_FENCE));
  const closing = new RegExp(`^ {0,3}${mark}+[ \\t]*$`);
  // GitHub's parser counts a fence up to 255: a longer line would end it, but not one that is indented by four.
  const held = run < LONGEST_FENCE ? shown : shown.map((line) => (closing.test(line) ? `    ${line}` : line));
  return new Markdown([`${fence}${language}`, ...held, fence]);
}

/** One of GitHub's alerts. */
export function alert(kind: "CAUTION" | "WARNING", content: Content): Markdown {
  return quoted([`[!${kind}]`, startLine(renderInline(content))]);
}

/**
 * An alert with a message that keeps its lines; those that are indented are the output of a program, and shown as they
 * are. What is longer than `room` bytes loses its middle, for the end says what to do.
 */
export function messageAlert(kind: "CAUTION" | "WARNING", message: string, room: number): Markdown {
  const render = (shown: string) => quoted([`[!${kind}]`, ...renderMessage(shown.split(/\r?\n/))]);
  return render(cutMiddle(message, (shown) => byteLength(render(shown).toString()) <= room));
}

/** Blocks folded away below a title. */
export function details(title: string, blocks: readonly Markdown[]): Markdown {
  return new Markdown([
    `<details><summary>${escapeText(toLine(title))}</summary>`,
    "",
    ...blocks.flatMap(({ lines }) => [...lines, ""]),
    "</details>",
  ]);
}

/** The blocks as one document, which takes at most `room` bytes: of blocks that do not fit, it says so. */
export function join(blocks: readonly Markdown[], room: number = SUMMARY_BYTES): Markdown {
  const whole = separate(blocks);
  if (byteLength(whole.toString()) <= room) return whole;
  const note = alert("WARNING", "Parts of this summary were left out: together they take more than GitHub shows.");
  const kept: Markdown[] = [];
  let left = room - byteLength(separate([note]).toString());
  for (const block of blocks) {
    const size = byteLength(separate([block]).toString());
    if (size > left) continue;
    left -= size;
    kept.push(block);
  }
  return separate([...kept, note]);
}

function separate(blocks: readonly Markdown[]): Markdown {
  return new Markdown(blocks.flatMap(({ lines }, index) => (index === 0 ? lines : ["", ...lines])));
}

function quoted(lines: readonly string[]): Markdown {
  return new Markdown(lines.map((line) => `> ${line}`));
}

function renderMessage(lines: readonly string[]): readonly string[] {
  const rendered: (readonly string[])[] = [];
  let output: string[] = [];
  const endOutput = () => {
    if (output.length > 0) rendered.push(fenced("text", output).lines);
    output = [];
  };
  for (const [index, line] of lines.entries()) {
    const between = line === "" && output.length > 0 && (lines[index + 1]?.startsWith(OUTPUT_INDENT) ?? false);
    if (between || line.startsWith(OUTPUT_INDENT)) {
      output.push(line.slice(OUTPUT_INDENT.length));
      continue;
    }
    endOutput();
    rendered.push(line.split(LINE_END).map((each) => `${startLine(escapeText(makeVisible(each)))}<br>`));
  }
  endOutput();
  return rendered.flat();
}

/** How a message marks the output of a program. */
const OUTPUT_INDENT = "  ";

const FENCES = ["~", "`"] as const;
const SHORTEST_FENCE = 8;
const LONGEST_FENCE = 200;

function longestRun(lines: readonly string[], mark: string): number {
  const runs = new RegExp(`${mark}+`, "g");
  return lines.reduce(
    (longest, line) => (line.match(runs) ?? []).reduce((most, { length }) => Math.max(most, length), longest),
    0,
  );
}

// Escaping

/** Every kind of line end: Markdown's own, and those that other readers take for one. */
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/** Shows nothing, and keeps apart what stands beside it. */
const BREAK = "<span></span>";

/**
 * What GitHub makes something of that no backslash prevents: mentions and e-mail addresses, issues, formulas, addresses,
 * emoji. An element around the one character takes it out of the text in which GitHub looks for them.
 */
const REFERENCE = /([@$]|#(?=\d)|(?<=\bgh)-(?=\d)|(?<=www)\.|:(?=\/\/|[\w+-]+:)|(?<=mailto|xmpp):)/iu;

/** Markdown's own characters. An underscore inside a word is none, and a token's keep it in the form that is masked. */
const MARKUP = /[\\`*[\]~#|]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** Text of one line as Markdown that shows just that, wherever in a line it stands but at the start. */
function escapeText(line: string): string {
  return line
    .split(REFERENCE)
    .map((piece, index) => (index % 2 === 1 ? `<span>${piece}</span>` : escapeMarkup(piece)))
    .join("");
}

function escapeMarkup(piece: string): string {
  return piece.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replace(MARKUP, "\\$&");
}

/** Escaped text at the start of a line, where more is markup: lists, underlines of headings, quotations, indentation. */
function startLine(escaped: string): string {
  if (escaped.trim() === "") return "&#32;";
  return escaped
    .replace(/^\s+/, "&#32;")
    .replace(/^[-+=:>]/, "\\$&")
    .replace(/^(\d{1,9})([.)])/, "$1\\$2");
}

/** A text as one line that is not too long. */
function toLine(value: string): string {
  const lines = value.slice(0, INLINE_LENGTH * 2).split(LINE_END);
  const line =
    lines.length === 1
      ? (lines[0] ?? "")
      : lines
          .map((each) => each.trim())
          .filter(Boolean)
          .join(" ");
  if (line.length <= INLINE_LENGTH && value.length <= INLINE_LENGTH * 2) return makeVisible(line);
  return `${makeVisible(line.slice(0, boundary(line, INLINE_LENGTH)))} … (cut: it has ${value.length} characters)`;
}

/** A line with its control characters and those that reorder or hide text made visible. */
function makeVisible(line: string): string {
  return line.toWellFormed().replace(UNSEEN, (character) => {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x20) return String.fromCodePoint(0x2400 + point);
    if (point === 0x7f) return "\u2421";
    return `<U+${point.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Not a tab, and not the joiners that emoji and some scripts are written with. */
const UNSEEN = /(?![\t\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Whether a text is an address to link to, with no character in it that ends a link or hides where it leads. */
function isAddress(url: string): boolean {
  if (!/^https?:\/\/[\w\-.~:/?#@&=+,;%]+$/i.test(url) || !URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username === "" && password === "";
}

// Cutting

/** The text, or as much of its start and its end as fits, with a line between them that says how much is not shown. */
function cutMiddle(value: string, fits: (shown: string) => boolean): string {
  // Each character takes a byte at least: what is longer cannot fit, and need not be tried.
  if (value.length <= SUMMARY_BYTES && fits(value)) return value;
  let [low, high] = [0, Math.min(value.length, SUMMARY_BYTES)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(withoutMiddle(value, middle))) low = middle;
    else high = middle - 1;
  }
  return withoutMiddle(value, low);
}

/** About `length` characters of a text: three quarters from its start, the rest from its end, in whole lines if it can. */
function withoutMiddle(value: string, length: number): string {
  const head = value.slice(0, endOfHead(value, length - Math.floor(length / 4)));
  const start = Math.max(head.length, startOfTail(value, value.length - Math.floor(length / 4)));
  // The rest of a program's line is still a program's.
  const lineStart = value.lastIndexOf("\n", start - 1) + 1;
  const indent = lineStart < start && value.startsWith(OUTPUT_INDENT, lineStart) ? OUTPUT_INDENT : "";
  const cut = byteLength(value.slice(head.length, start));
  return `${head}\n[${cut} bytes are not shown here: the message is longer than a summary can be]\n${indent}${value.slice(start)}`;
}

/** How much more is cut where a line can be kept whole that way. */
const LONGEST_LINE = 2000;

function endOfHead(value: string, index: number): number {
  const end = value.lastIndexOf("\n", index);
  return end >= 0 && end > index - LONGEST_LINE ? end : boundary(value, index);
}

function startOfTail(value: string, index: number): number {
  const end = value.indexOf("\n", Math.max(0, index - 1));
  return end >= 0 && end < index + LONGEST_LINE ? end + 1 : boundary(value, index);
}

/** A place at or just before `index` that is not inside a character. */
function boundary(value: string, index: number): number {
  const code = value.codePointAt(index - 1) ?? 0;
  return index > 0 && index < value.length && code > 0xffff ? index - 1 : index;
}
