import { escapeHtml, startLine, toLine } from "./escape.ts";
import { fenceLines } from "./fence.ts";
import { type Content, renderInline } from "./inline.ts";
import { messageLines } from "./message.ts";
import { byteLength, cutMiddle, SUMMARY_BYTES } from "./size.ts";
import { tableLines } from "./table.ts";

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

// The type alone: a private field cannot be imitated, so without the class no other module can create one. Whatever
// becomes part of it is a `string` (text that others wrote, shown as it is and never read as markup), an `Inline`, or
// another `Markdown`.
export type { Markdown };

/** A heading. */
export function heading(level: 1 | 2 | 3, content: Content): Markdown {
  return new Markdown([`${"#".repeat(level)} ${renderInline(content)}`]);
}

/** A table; each row has as many cells as the head. */
export function table(head: readonly Content[], rows: readonly (readonly Content[])[]): Markdown {
  return new Markdown(
    tableLines(
      head.map(renderInline),
      rows.map((row) => row.map(renderInline)),
    ),
  );
}

/** Lines that are shown as they are. */
export function fenced(language: "text" | "mermaid", lines: readonly string[]): Markdown {
  return new Markdown(fenceLines(language, lines));
}

/** One of GitHub's alerts. */
export function alert(kind: "CAUTION" | "WARNING", content: Content): Markdown {
  return quoted([`[!${kind}]`, startLine(renderInline(content))]);
}

/**
 * An alert with a message that keeps its lines; those that are indented are the output of a program, and shown as they
 * are. A message that takes more than `room` bytes loses its middle, because its end says how to fix it.
 */
export function messageAlert(kind: "CAUTION" | "WARNING", message: string, room: number): Markdown {
  const render = (shown: string) => quoted([`[!${kind}]`, ...messageLines(shown)]);
  return render(cutMiddle(message, (shown) => byteLength(render(shown).toString()) <= room));
}

/** Blocks folded away below a title. */
export function details(title: string, blocks: readonly Markdown[]): Markdown {
  return new Markdown([
    `<details><summary>${escapeHtml(toLine(title))}</summary>`,
    "",
    ...blocks.flatMap(({ lines }) => [...lines, ""]),
    "</details>",
  ]);
}

/** The blocks as one document of at most `room` bytes; it says so if blocks were left out because they did not fit. */
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
