import { isScalar, isSeq } from "yaml";
import type { Problem } from "../../errors.ts";
import { nearestName } from "../../inputs/undeclared.ts";
import type { Issue } from "../../values/issue.ts";
import { printable } from "../../values/text.ts";
import type { YamlText } from "../../values/yaml.ts";
import { type Entry, rangeOf, readEntries, resolveAliases } from "./entries.ts";
import { type FieldType, isNull, NOT_TEXT, parseScalar } from "./scalars.ts";

export type Path = readonly (string | number)[];

/** Puts down that something is wrong at a place. */
export type Wrong = (path: Path, issue: Issue) => void;

/** The input that brings a kind configuration, as problems name it. */
export const CONFIGURATION_INPUT = "kind-config";

/** More problems than these with one text say nothing new. */
const MAX_PROBLEMS = 20;

/** A configuration while it is read: the text, what is wrong with it, and where each field stands. */
export class ConfigurationReader {
  readonly #yaml: YamlText;
  readonly #text: string;
  readonly #source: string;
  readonly #resolve: (node: unknown) => unknown;
  readonly #nodes = new Map<string, unknown>();
  /** Fields with which something is wrong, and all that they are parts of. */
  readonly #wrong = new Set<string>();
  readonly #problems: Problem[] = [];
  /** How many problems are not named. */
  #further = 0;

  constructor(yaml: YamlText, text: string, source: string) {
    this.#yaml = yaml;
    this.#text = text;
    this.#source = source;
    this.#resolve = resolveAliases(yaml.document);
  }

  /** The document as its type has it; fields that are left empty are left out, as Go's zero values are. */
  read(type: FieldType): unknown {
    return this.#read(this.#yaml.document.contents, type, []);
  }

  /** Puts a problem down, with the place and what the user wrote there. */
  readonly wrong: Wrong = (path, issue) => {
    for (let length = path.length; length >= 0; length -= 1) this.#wrong.add(keyOf(path.slice(0, length)));
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(this.problemAt(path, issue));
    else this.#further += 1;
  };

  /** What was put down: so many that a person can read them, and how many more there are. */
  get problems(): readonly Problem[] {
    if (this.#further === 0) return this.#problems;
    const more = {
      input: CONFIGURATION_INPUT,
      value: this.#source,
      reason: `has ${this.#further} more problem${this.#further === 1 ? "" : "s"}`,
      allowed: "a configuration that kind accepts",
      fix: "fix the ones above first: the next run names the others",
    };
    return [...this.#problems, more];
  }

  /** Whether something is wrong with a field or with a part of it. */
  isWrong(path: Path): boolean {
    return this.#wrong.has(keyOf(path));
  }

  problemAt(path: Path, { reason, allowed, fix }: Issue): Problem {
    const written = this.#written(path);
    return {
      input: CONFIGURATION_INPUT,
      value: this.#source,
      reason: `${this.placeOf(path)} ${reason}${written === "" ? "" : `: ${written}`}`,
      allowed,
      fix,
    };
  }

  /** `line 3, column 5: nodes.0.role`: a field, and where its value stands, or the nearest parent that is there. */
  placeOf(path: Path): string {
    const name = path.map((part) => printable(String(part), 60)).join(".") || "the document";
    const position = this.positionOf(path);
    return position === undefined ? name : `${position}: ${name}`;
  }

  /** `line 3, column 5`: where a field's value stands, or the nearest parent that is there. */
  positionOf(path: Path): string | undefined {
    const start = rangeOf(this.#nearest(path))?.[0];
    if (start === undefined) return undefined;
    const { line, col } = this.#yaml.lines.linePos(start);
    return `line ${line}, column ${col}`;
  }

  /** The line in which a block text's sign (`|`) stands: its own first line is the next one. */
  blockStart(path: Path): number | undefined {
    const node = this.#nodes.get(keyOf(path));
    const start = isScalar(node) && node.type === "BLOCK_LITERAL" ? rangeOf(node)?.[0] : undefined;
    return start === undefined ? undefined : this.#yaml.lines.linePos(start).line;
  }

  /** A line of the text, counted from 1. */
  lineAt(line: number): string | undefined {
    return this.#text.split("\n")[line - 1]?.replace(/\r$/, "");
  }

  /** What the user wrote at a path, on one line; nothing where that says no more than the path. */
  #written(path: Path): string {
    const node = this.#nodes.get(keyOf(path));
    const range = rangeOf(node);
    if (range === undefined || (isScalar(node) && String(node.type).startsWith("BLOCK"))) return "";
    return printable(this.#text.slice(range[0], range[1]).trim(), 60);
  }

  #nearest(path: Path): unknown {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#nodes.get(keyOf(path.slice(0, length)));
      if (node !== undefined) return node;
    }
    return this.#yaml.document.contents;
  }

  #read(node: unknown, type: FieldType, path: Path): unknown {
    const value = this.#resolve(node);
    if (value !== null && value !== undefined) this.#nodes.set(keyOf(path), value);
    if (isNull(value) && path.length > 0 && !needsEntry(type, path)) return undefined;
    switch (type.type) {
      case "object":
        return this.#readObject(value, type.fields, path);
      case "map":
        return this.#readMap(value, type, path);
      case "list":
        return this.#readList(value, type.item, path);
      default:
        return this.#readScalar(value, type, path);
    }
  }

  #readObject(node: unknown, fields: Readonly<Record<string, FieldType>>, path: Path): unknown {
    const found: [string, unknown][] = [];
    for (const [key, value] of this.#entries(node, path)) {
      const type = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (type !== undefined) {
        const read = this.#read(value.node, type, [...path, key]);
        if (read !== undefined) found.push([key, read]);
        continue;
      }
      this.#nodes.set(keyOf([...path, key]), value.key);
      const names = Object.keys(fields);
      const near = key.length > 60 ? undefined : nearestName(key, names);
      this.wrong([...path, key], {
        reason: `is not a field that kind knows there${near === undefined ? "" : `, did you mean ${near}?`}`,
        allowed: names.join(", "),
        fix: `write ${near ?? "one of these"}`,
      });
    }
    return Object.fromEntries(found);
  }

  #readMap(node: unknown, type: FieldType & { readonly type: "map" }, path: Path): unknown {
    const found: [string, unknown][] = [];
    for (const [key, value] of this.#entries(node, path)) {
      const place = [...path, key];
      // An entry without a value is there, with Go's zero value.
      const read = this.#read(value.node, type.value, place) ?? (type.value.type === "boolean" ? false : "");
      const issue = type.check?.(key, read);
      if (issue !== undefined) this.wrong(place, issue);
      found.push([key, read]);
    }
    return Object.fromEntries(found);
  }

  #readList(node: unknown, item: FieldType, path: Path): unknown {
    if (isSeq(node)) {
      return node.items.map((each, index) => this.#readItem(each, item, [...path, index]));
    }
    this.wrong(path, {
      reason: "is not a list",
      allowed: "a list",
      fix: "write its items below it, each after a hyphen",
    });
    return undefined;
  }

  #readItem(node: unknown, type: FieldType, path: Path): unknown {
    if (type.type !== "text" || !isNull(this.#resolve(node))) return this.#read(node, type, path);
    this.#nodes.set(keyOf(path), this.#resolve(node));
    this.wrong(path, { reason: "is empty, and kind drops it", allowed: "a text", fix: "take the hyphen away" });
    return undefined;
  }

  #readScalar(node: unknown, type: FieldType, path: Path): unknown {
    const parsed = parseScalar(node, type);
    if ("value" in parsed) return parsed.value;
    this.wrong(path, parsed.issue);
    return undefined;
  }

  #entries(node: unknown, path: Path): ReadonlyMap<string, Entry> {
    const { entries, notMappings, notKeys } = readEntries(node, this.#resolve);
    for (const each of notMappings.slice(0, 1)) {
      // What is merged has no place of its own.
      if (each !== node) this.#nodes.set(keyOf([...path, "<<"]), each);
      const place = each === node ? path : [...path, "<<"];
      this.wrong(place, { reason: "is not a mapping", allowed: "fields and values", fix: "write its fields below it" });
    }
    for (const each of notKeys.slice(0, 1)) {
      this.#nodes.set(keyOf([...path, "key"]), each);
      const empty = { reason: "is empty", allowed: "a text", fix: "write a key before the colon" };
      this.wrong([...path, "key"], isNull(each) ? empty : NOT_TEXT);
    }
    return entries;
  }
}

/** The null of an item of a list is an item; kind would make an empty node, mount or port of it. */
function needsEntry(type: FieldType, path: Path): boolean {
  return typeof path.at(-1) === "number" && type.type !== "text";
}

function keyOf(path: Path): string {
  return path.join("\0");
}
