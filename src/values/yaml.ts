import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
} from "yaml";
import { printable } from "./text.ts";
import { findExpansionExcess } from "./yaml-aliases.ts";
import { findHalfCharacter, findLongKey, findRefusedByGo } from "./yaml-for-go.ts";
import type { PlacedIssue, YamlIssue } from "./yaml-issue.ts";
import { findExcess, YAML_LIMITS } from "./yaml-limits.ts";
import { findOddProperty } from "./yaml-properties.ts";

/** A text of YAML, read. */
export interface YamlText {
  /** The text that the positions are in: a carriage return alone is a line feed, which it is to YAML. */
  readonly text: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly value: unknown;
}

/** How a text is read. */
export interface YamlOptions {
  /** Whether equal keys are an issue; elsewhere the last one holds. */
  readonly uniqueKeys: boolean;
  readonly maxBytes?: number;
  /** Every scalar is the text that was written (`1.30`, `007`), for a reader that knows which type it wants. */
  readonly asWritten?: boolean;
  /** Whether Go's YAML reader gets this very text: what it does not take is an issue. */
  readonly forGo?: boolean;
}

/**
 * Reads YAML that others wrote: one document, which may have `---` around it. What it costs is limited before it is
 * parsed.
 */
export function readYamlText(
  given: string,
  options: YamlOptions,
): YamlText | { readonly issues: readonly YamlIssue[] } {
  // The parser takes it for a character of the line.
  const text = given.replaceAll(/\r(?!\n)/g, "\n");
  const unfit = findExcess(text, options.maxBytes ?? YAML_LIMITS.bytes) ?? findUnreadable(text, options);
  if (unfit !== undefined) return { issues: [unfit] };
  const lines = new LineCounter();
  const documents = parseDocuments(text, lines, options);
  const [document = emptyDocument()] = documents;
  const found = findIssues(document, documents.slice(1), options);
  const issues = found.length === 0 ? findRefused(text, document, options) : found;
  if (issues.length > 0) {
    return {
      issues: issues.map(({ kind, message, offset }) => {
        const { line, col } = lines.linePos(offset);
        return { kind, message, line, column: col };
      }),
    };
  }
  try {
    return { text, document, lines, value: document.toJS({ maxAliasCount: YAML_LIMITS.expansions }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { issues: [{ kind: "expansion", message, line: 1, column: 1 }] };
  }
}

function parseDocuments(
  text: string,
  lineCounter: LineCounter,
  { asWritten }: YamlOptions,
): readonly Document.Parsed[] {
  const parsed = parseAllDocuments(text, {
    lineCounter,
    logLevel: "error",
    prettyErrors: false,
    // What is read as it was written is merged by its reader, which knows the places.
    merge: asWritten !== true,
    // The parser compares each key with each other one; `findEqualKeys` looks at each key once.
    uniqueKeys: false,
    ...(asWritten === true ? { schema: "failsafe" as const } : {}),
  });
  if (!("empty" in parsed)) return parsed;
  const nothing = emptyDocument();
  // A text of nothing but directives.
  nothing.warnings.push(...parsed.warnings);
  return [nothing];
}

/** A text without a document: nothing, or only comments. */
function emptyDocument(): Document.Parsed {
  const [document] = parseAllDocuments("---");
  if (document === undefined) throw new Error("the YAML parser gives no document for its sign");
  return document;
}

/** What keeps a document from being expanded; all syntax errors at once. */
function findIssues(
  document: Document.Parsed,
  more: readonly Document.Parsed[],
  { uniqueKeys }: YamlOptions,
): readonly PlacedIssue[] {
  const second = more.find((each) => each.errors.length > 0 || !isEmpty(each.contents));
  if (document.errors.length === 0 && second !== undefined) {
    const offset = second.contents?.range[0] ?? second.errors[0]?.pos[0] ?? 0;
    return [{ kind: "documents", message: "has a second YAML document", offset }];
  }
  const equalKeys = uniqueKeys ? findEqualKeys(document.contents) : [];
  const errors = [
    ...[...document.errors, ...document.warnings.filter(({ code }) => code === "BAD_DIRECTIVE")].map(
      ({ message, pos }) => ({ kind: "syntax" as const, message, offset: pos[0] }),
    ),
    ...equalKeys.map((offset) => ({ kind: "syntax" as const, message: "Map keys must be unique", offset })),
  ];
  if (errors.length > 0) return errors;
  const excess = findExpansionExcess(document.contents);
  return excess === undefined ? [] : [excess];
}

/** What a `---` at the end of a file leaves behind it. */
function isEmpty(contents: ParsedNode | null): boolean {
  if (contents === null) return true;
  const { range } = contents;
  return isScalar(contents) && contents.type === "PLAIN" && range[0] === range[1];
}

/**
 * What YAML does not allow in a text (its 5.1), the line breaks that YAML 1.1 has and 1.2 does not, and a byte order mark
 * that is not the first character.
 */
const UNREADABLE = /(?!^)\u{feff}|[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** A character in what is read as it was written, or by two readers, that would not be the same to every reader. */
function findUnreadable(text: string, { asWritten, forGo }: YamlOptions): YamlIssue | undefined {
  const at = asWritten === true || forGo === true ? text.search(UNREADABLE) : -1;
  if (at === -1) return undefined;
  const before = text.slice(0, at).split("\n");
  return {
    kind: "characters",
    message: `has the character ${printable(String.fromCodePoint(text.codePointAt(at) ?? 0))}, which YAML readers treat differently`,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
  };
}

/** What the readers after this one do not take. */
function findRefused(
  text: string,
  document: Document.Parsed,
  { asWritten, forGo }: YamlOptions,
): readonly PlacedIssue[] {
  if (asWritten !== true && forGo !== true) return [];
  const issue =
    findHalfCharacter(document) ??
    findOddProperty(text) ??
    findLongKey(document) ??
    (forGo === true ? findRefusedByGo(text, document) : undefined);
  return issue === undefined ? [] : [issue];
}

/** The offsets of the keys that their mapping has already. */
function findEqualKeys(root: unknown): readonly number[] {
  const offsets: number[] = [];
  const look = (node: unknown): void => {
    if (isPair(node)) {
      look(node.key);
      look(node.value);
    }
    if (!isCollection(node)) return;
    if (isMap(node)) offsets.push(...findRepeated(node.items.map(({ key }) => key)));
    node.items.forEach(look);
  };
  look(root);
  return offsets.toSorted((a, b) => a - b);
}

/** The offsets of the keys that are there before. `<<` may be repeated where the parser merges it, which makes it a symbol. */
function findRepeated(keys: readonly unknown[]): readonly number[] {
  const seen = new Set<unknown>();
  return keys.flatMap((key) => {
    if (!isScalar(key)) return [];
    const { value, range } = key;
    const isRepeated = seen.has(value) && typeof value !== "symbol";
    seen.add(value);
    return isRepeated ? [range?.[0] ?? 0] : [];
  });
}
