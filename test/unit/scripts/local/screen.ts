import { displayWidth } from "../../../../scripts/local/width.ts";

/** A terminal's screen: what it shows of what a program writes, line by line, with all that has scrolled off. */
export class Screen {
  readonly isTTY = true;
  columns: number;
  rows: number;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  /** All lines, without the empty ones at the end. */
  get lines(): readonly string[] {
    return this.#lines.slice(0, this.#lines.findLastIndex((line) => line.trim() !== "") + 1);
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would act on.
    for (const [piece] of text.matchAll(/\u001b\[\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) this.#take(piece);
  }

  #take(piece: string): void {
    if (piece === "\n") {
      this.#row += 1;
      this.#column = 0;
      this.#lines[this.#row] ??= "";
    } else if (piece === "\r") this.#column = 0;
    else if (piece.endsWith("A") && piece.startsWith("\u001b")) {
      // No further than the top of what is seen.
      const top = Math.max(0, this.#lines.length - this.rows);
      this.#row = Math.max(top, this.#row - Number(piece.slice(2, -1)));
    } else if (piece === "\u001b[J") {
      if (this.#column > 0) throw new Error("only whole lines are erased");
      this.#lines.length = this.#row + 1;
      this.#lines[this.#row] = "";
    } else if (piece.startsWith("\u001b")) return;
    else this.#print(piece);
  }

  #print(text: string): void {
    for (const { segment } of characters.segment(text)) {
      const width = displayWidth(segment);
      if (this.#column + width > this.columns) this.#take("\n");
      const line = this.#lines[this.#row] ?? "";
      if (displayWidth(line) !== this.#column) throw new Error(`"${segment}" is written over a part of "${line}"`);
      this.#lines[this.#row] = line + segment;
      this.#column += width;
    }
  }
}

const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
