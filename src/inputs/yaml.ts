import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  type ParsedNode,
  parseDocument,
} from "yaml";
import { printable } from "./values.ts";

/** The bounds of what is read of somebody else's YAML; each is far above what a person writes. */
export const YAML_LIMITS = {
  /** Of one file or text. */
  bytes: 512 * 1024,
  /** Words and signs: the parser's time and memory go with them, and it takes up to a hundred times their size. */
  lexemes: 250_000,
  /** How deep lists and mappings lie in each other; the parser takes quadratic time for it, and a frame of the stack. */
  depth: 64,
  /** Aliases in one text. */
  aliases: 500,
  /** How often one anchor's content may come out. */
  expansions: 100,
  /** Characters and nodes that come out where every alias is replaced by what it stands for. */
  expanded: 1_000_000,
} as const;

/** Something that is wrong with a text of YAML. */
export interface YamlIssue {
  /** Goes on after "is not YAML: " for `syntax`, after the file's name for `limit`, after "cannot be expanded: " for `expansion`. */
  readonly kind: "syntax" | "limit" | "expansion";
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** A text of YAML, read. */
export interface YamlText {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly value: unknown;
}

/**
 * Reads YAML that others wrote. What it costs is bounded before it is parsed.
 * @param options whether equal keys are an issue; elsewhere the last one holds.
 */
export function readYamlText(
  text: string,
  options: { readonly uniqueKeys: boolean; readonly maxBytes?: number },
): YamlText | { readonly issues: readonly YamlIssue[] } {
  const maxBytes = options.maxBytes ?? YAML_LIMITS.bytes;
  if (Buffer.byteLength(text) > maxBytes) {
    return {
      issues: [{ kind: "limit", message: `is larger than ${describeBytes(maxBytes)}`, line: 1, column: 1 }],
    };
  }
  const limit = findExcess(text);
  if (limit !== undefined) return { issues: [limit] };
  const lines = new LineCounter();
  const issueAt = (kind: YamlIssue["kind"], message: string, offset: number): YamlIssue => {
    const { line, col } = lines.linePos(offset);
    return { kind, message, line, column: col };
  };
  // The parser compares each key with each other one; that is done below, once per key.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, uniqueKeys: false });
  const equal = options.uniqueKeys ? findEqualKeys(document.contents) : [];
  const errors = [
    ...document.errors.map(({ message, pos }) => ({ message, offset: pos[0] })),
    ...equal.map((offset) => ({ message: "Map keys must be unique", offset })),
  ];
  if (errors.length > 0) return { issues: errors.map(({ message, offset }) => issueAt("syntax", message, offset)) };
  const tooMuch = findExpansionExcess(document.contents);
  if (tooMuch !== undefined) return { issues: [{ kind: "expansion", message: tooMuch, line: 1, column: 1 }] };
  try {
    return { document, lines, value: document.toJS({ maxAliasCount: YAML_LIMITS.expansions }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { issues: [{ kind: "expansion", message, line: 1, column: 1 }] };
  }
}

/** An issue as a sentence's end: `is not YAML: ...`. The parser's words may hold those of the text. */
export function describeYamlIssue({ kind, message, line, column }: YamlIssue): string {
  if (kind === "limit") return message;
  const words = printable(message);
  return kind === "expansion"
    ? `cannot be expanded: ${words}`
    : `is not YAML: line ${line}, column ${column}: ${words}`;
}

function describeBytes(bytes: number): string {
  return bytes % 1000 === 0 ? `${bytes / 1000} kB` : `${bytes} bytes`;
}

/**
 * Counts words, aliases and depth as the lexer gives them: it keeps nothing, while the parser builds a tree first. The
 * depth is that of flow collections and, by columns, of block ones; it may be a little more than the true one.
 */
function findExcess(text: string): YamlIssue | undefined {
  let lexemes = 0;
  let aliases = 0;
  let line = 1;
  let column = 1;
  let flow = 0;
  let columns: number[] = [];
  let scalar = false;
  let opens = true;
  for (const lexeme of new Lexer().lex(text)) {
    // The byte order mark, and the lexer's own signs: a document, an error in a flow, a scalar.
    if (lexeme === SCALAR) scalar = true;
    if ([SCALAR, "\u{feff}", "\u0002", "\u0018"].includes(lexeme)) continue;
    lexemes += 1;
    const blank = !scalar && /^[\s#,]/.test(lexeme);
    if (!scalar && lexeme.startsWith("*")) aliases += 1;
    if (!scalar && /^[[{]$/.test(lexeme)) flow += 1;
    if (!scalar && /^[\]}]$/.test(lexeme)) flow = Math.max(0, flow - 1);
    if (!blank && flow === 0) {
      // What begins a line ends all that lies deeper; what follows a sign on the same line lies deeper than that sign.
      if (column === 1 || columns.length === 0 || opens) {
        const own = column;
        columns = columns.filter((each) => each < own);
        columns.push(own);
      }
      opens = !scalar && /^[-?:]$/.test(lexeme);
    }
    if (lexemes > YAML_LIMITS.lexemes) return excess(`has more than ${YAML_LIMITS.lexemes} words and signs`);
    if (aliases > YAML_LIMITS.aliases) return excess(`has more than ${YAML_LIMITS.aliases} aliases`);
    if (flow + columns.length > YAML_LIMITS.depth) {
      return excess(`has lists and mappings more than ${YAML_LIMITS.depth} deep in each other`);
    }
    scalar = false;
    const end = lexeme.lastIndexOf("\n");
    if (end === -1) column += lexeme.length;
    else {
      line += lexeme.split("\n").length - 1;
      column = lexeme.length - end;
      opens = true;
    }
  }
  return undefined;

  function excess(message: string): YamlIssue {
    return { kind: "limit", message: `${message} (line ${line})`, line, column };
  }
}

/** The lexer's sign that a plain or quoted scalar follows. */
const SCALAR = "\u001f";

/** The offsets of the keys that a mapping has already. */
function findEqualKeys(root: ParsedNode | null): readonly number[] {
  const offsets: number[] = [];
  const look = (node: unknown): void => {
    if (isPair(node)) {
      look(node.key);
      look(node.value);
    }
    if (!isCollection(node)) return;
    const seen = new Set<unknown>();
    for (const item of node.items) {
      if (isMap(node) && isPair(item) && isScalar(item.key)) {
        const { value, range } = item.key;
        // `<<` is a symbol where it merges, and may stand several times.
        const merges = typeof value === "symbol" || value === "<<";
        if (seen.has(value) && !merges) offsets.push(range?.[0] ?? 0);
        seen.add(value);
      }
      look(item);
    }
  };
  look(root);
  return offsets;
}

/** Why a document must not be expanded; `undefined` where what comes out of it is no larger and no deeper than allowed. */
function findExpansionExcess(root: ParsedNode | null): string | undefined {
  const anchors = new Map<string, Extent | "open">();
  let problem: string | undefined;
  const measure = (node: unknown): Extent => {
    if (problem !== undefined) return NOTHING;
    if (isAlias(node)) {
      const extent = anchors.get(node.source) ?? NOTHING;
      if (extent !== "open") return extent;
      problem = `the anchor ${node.source} holds an alias of itself`;
      return NOTHING;
    }
    const anchor = isNode(node) && "anchor" in node && typeof node.anchor === "string" ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, "open");
    const parts = isPair(node) ? [node.key, node.value] : isCollection(node) ? node.items : [];
    let size = 1 + (isScalar(node) ? String(node.value ?? "").length : 0);
    let depth = 0;
    for (const part of parts) {
      const inner = measure(part);
      size += inner.size;
      depth = Math.max(depth, inner.depth);
    }
    const extent = { size, depth: isCollection(node) ? depth + 1 : depth };
    if (anchor !== undefined) anchors.set(anchor, extent);
    if (extent.size > YAML_LIMITS.expanded) {
      problem ??= `its aliases make more than ${YAML_LIMITS.expanded} characters of it`;
    }
    if (extent.depth > YAML_LIMITS.depth) {
      problem ??= `its aliases put lists and mappings more than ${YAML_LIMITS.depth} deep in each other`;
    }
    return extent;
  };
  measure(root);
  return problem;
}

interface Extent {
  readonly size: number;
  readonly depth: number;
}

const NOTHING: Extent = { size: 1, depth: 0 };
