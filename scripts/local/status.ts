import { type Activity, startOf } from "../../src/torch/stack/progress.ts";
import { displayWidth, fitWidth } from "./width.ts";

/** What a terminal keeps up to date below its log: a line for each component, and the last thing that was said besides. */
export class Status {
  readonly #open = new Map<string, Activity>();
  #remark = "";

  /** What a component does from now on; nothing any more where it is empty. */
  say(title: string, doing: string, now: number): void {
    // A step of a Dockerfile says by itself that an image is built.
    const what = doing.replace(/^builds (?=\[)/, "");
    if (what === "") this.#open.delete(title);
    else this.#open.set(title, { what, since: startOf(what, this.#open.get(title), now) });
  }

  /** Something that is shown until the next such thing. */
  remark(text: string): void {
    this.#remark = text;
  }

  /** Whether there are components that are waited for. */
  get waits(): boolean {
    return this.#open.size > 0;
  }

  clear(): void {
    this.#open.clear();
    this.#remark = "";
  }

  /** The lines, none wider than the terminal, and no more than it has. The last column stays free: some terminals wrap there. */
  render(now: number, columns: number, rows: number): readonly string[] {
    const widest = Math.max(0, ...[...this.#open.keys()].map(displayWidth));
    const lines = [...this.#open].map(([title, { what, since }]) => {
      const seconds = `${Math.floor((now - since) / 1000)} s`;
      return `${title}${" ".repeat(widest - displayWidth(title))} ${seconds.padStart(5)}  ${what}`;
    });
    const remark = this.#remark.trim();
    return [...lines, ...(remark === "" ? [] : [remark])]
      .slice(0, Math.max(0, rows - 2))
      .map((line) => fitLine(line, columns - 1));
  }
}

/** As {@link fitWidth}, but the spaces between the columns of a line stay. */
function fitLine(line: string, columns: number): string {
  const [, start = "", rest = line] = /^(\S.*? +\d+ s {2})(.*)$/s.exec(line) ?? [];
  const left = columns - displayWidth(start);
  return left > 0 && start !== "" ? `${start}${fitWidth(rest, left)}` : fitWidth(line, columns);
}

/** How many rows lines take in a terminal that has become narrower since they were written. */
export function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(displayWidth(line) / Math.max(1, columns))), 0);
}
