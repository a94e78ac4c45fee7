import { isScalar } from "yaml";
import { printable } from "../../values/text.ts";
import type { YamlText } from "../../values/yaml.ts";
import { rangeOf } from "./entries.ts";

/** A field: the keys and list indexes that lead to it. */
export type Path = readonly (string | number)[];

/** A path as the key of a map or a set. */
export function keyOf(path: Path): string {
  return path.join("\0");
}

/** Where each field of a configuration is in its text. */
export class Places {
  readonly #yaml: YamlText;
  readonly #nodes = new Map<string, unknown>();

  constructor(yaml: YamlText) {
    this.#yaml = yaml;
  }

  /** Remembers the node that holds a field. */
  set(path: Path, node: unknown): void {
    this.#nodes.set(keyOf(path), node);
  }

  /** `line 3, column 5: nodes.0.role`: a field, after the position of its value. */
  placeOf(path: Path): string {
    const name = path.map((part) => printable(String(part), 60)).join(".") || "the document";
    const position = this.positionOf(path);
    return position === undefined ? name : `${position}: ${name}`;
  }

  /** `line 3, column 5`: the position of a field's value, or of the nearest parent that exists. */
  positionOf(path: Path): string | undefined {
    const start = rangeOf(this.#nearest(path))?.[0];
    if (start === undefined) return undefined;
    const { line, col } = this.#yaml.lines.linePos(start);
    return `line ${line}, column ${col}`;
  }

  /** What the user wrote at a path, on one line; empty where that adds nothing to the path. */
  textAt(path: Path): string {
    const node = this.#nodes.get(keyOf(path));
    const range = rangeOf(node);
    if (range === undefined || (isScalar(node) && String(node.type).startsWith("BLOCK"))) return "";
    return printable(this.#yaml.text.slice(range[0], range[1]).trim(), 60);
  }

  /** The line of a block text's indicator (`|`); the text itself starts on the next line. */
  blockStart(path: Path): number | undefined {
    const node = this.#nodes.get(keyOf(path));
    const start = isScalar(node) && node.type === "BLOCK_LITERAL" ? rangeOf(node)?.[0] : undefined;
    return start === undefined ? undefined : this.#yaml.lines.linePos(start).line;
  }

  /** A line of the text, counted from 1. */
  lineAt(line: number): string | undefined {
    return this.#yaml.text.split("\n")[line - 1]?.replace(/\r$/, "");
  }

  #nearest(path: Path): unknown {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#nodes.get(keyOf(path.slice(0, length)));
      if (node !== undefined) return node;
    }
    return this.#yaml.document.contents;
  }
}
