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
  parseAllDocuments,
} from "yaml";
import { printable } from "./text.ts";

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
  /**
   * Goes on after "is not YAML: " for `syntax`, after "cannot be expanded: " for `expansion`, and after the file's name
   * for the others.
   */
  readonly kind: "syntax" | "limit" | "expansion" | "alias" | "characters" | "documents";
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

/** How a text is read. */
export interface YamlOptions {
  /** Whether equal keys are an issue; elsewhere the last one holds. */
  readonly uniqueKeys: boolean;
  readonly maxBytes?: number;
  /** Every scalar is the text that was written (`1.30`, `007`), for a reader that knows which type it wants. */
  readonly asWritten?: boolean;
}

/**
 * Reads YAML that others wrote: one document, which may have `---` around it. What it costs is bounded before it is
 * parsed.
 */
export function readYamlText(text: string, options: YamlOptions): YamlText | { readonly issues: readonly YamlIssue[] } {
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
  if (options.asWritten === true) {
    const at = text.search(UNREADABLE);
    // No document has been parsed yet, which would have counted the lines.
    if (at !== -1) return { issues: [unreadable(text, at)] };
  }
  // The parser compares each key with each other one; that is done below, once per key.
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    logLevel: "error",
    prettyErrors: false,
    // What is read as it was written is merged by its reader, which knows the places.
    merge: options.asWritten !== true,
    uniqueKeys: false,
    ...(options.asWritten === true ? { schema: "failsafe" as const } : {}),
  });
  const [document = emptyDocument(), ...more] = [...parsed];
  const second = more.find((each) => each.errors.length > 0 || !isEmpty(each.contents));
  if (document.errors.length === 0 && second !== undefined) {
    const offset = second.contents?.range[0] ?? second.errors[0]?.pos[0] ?? 0;
    return { issues: [issueAt("documents", "has a second YAML document", offset)] };
  }
  const equal = options.uniqueKeys ? findEqualKeys(document.contents) : [];
  const errors = [
    ...document.errors.map(({ message, pos }) => ({ message, offset: pos[0] })),
    ...equal.map((offset) => ({ message: "Map keys must be unique", offset })),
  ];
  if (errors.length > 0) return { issues: errors.map(({ message, offset }) => issueAt("syntax", message, offset)) };
  const tooMuch = findExpansionExcess(document.contents);
  if (tooMuch !== undefined) return { issues: [issueAt(tooMuch.kind, tooMuch.message, tooMuch.offset)] };
  try {
    return { document, lines, value: document.toJS({ maxAliasCount: YAML_LIMITS.expansions }) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { issues: [{ kind: "expansion", message, line: 1, column: 1 }] };
  }
}

/** A text without a document: nothing, or comments alone. */
function emptyDocument(): Document.Parsed {
  const [document] = parseAllDocuments("---");
  if (document === undefined) throw new Error("the YAML parser gives no document for its sign");
  return document;
}

/** What a `---` at the end of a file leaves behind it. */
function isEmpty(contents: ParsedNode | null): boolean {
  if (contents === null) return true;
  const { range } = contents;
  return isScalar(contents) && contents.type === "PLAIN" && range[0] === range[1];
}

/**
 * What YAML does not allow in a text (its 5.1), the line breaks that YAML 1.1 had and 1.2 has not, and a byte order mark
 * that is not the first character.
 */
const UNREADABLE = /(?!^)\u{feff}|[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function unreadable(text: string, at: number): YamlIssue {
  const before = text.slice(0, at).split("\n");
  return {
    kind: "characters",
    message: `has the character ${printable(String.fromCodePoint(text.codePointAt(at) ?? 0))}, which YAML readers do not take alike`,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
  };
}

/** An issue as a sentence's end: `is not YAML: ...`. The parser's words may hold those of the text. */
export function describeYamlIssue({ kind, message, line, column }: YamlIssue): string {
  if (kind === "limit") return message;
  const words = printable(message);
  if (kind === "expansion") return `cannot be expanded: ${words}`;
  if (kind === "syntax") return `is not YAML: line ${line}, column ${column}: ${words}`;
  return `${words} (line ${line}, column ${column})`;
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

/** Why an alias or a document cannot be expanded. */
interface ExpansionIssue extends Pick<YamlIssue, "kind" | "message"> {
  readonly offset: number;
}

/** Why a document must not be expanded; `undefined` where what comes out of it is no larger and no deeper than allowed. */
function findExpansionExcess(root: ParsedNode | null): ExpansionIssue | undefined {
  const anchors = new Map<string, Extent | "open">();
  let problem: ExpansionIssue | undefined;
  const tooMuch = (message: string): ExpansionIssue => ({ kind: "expansion", message, offset: 0 });
  const measure = (node: unknown): Extent => {
    if (problem !== undefined) return NOTHING;
    if (isAlias(node)) {
      const extent = anchors.get(node.source);
      if (extent !== undefined && extent !== "open") return extent;
      problem =
        extent === "open"
          ? tooMuch(`the anchor ${node.source} holds an alias of itself`)
          : {
              kind: "alias",
              message: `has the alias *${node.source} without an anchor &${node.source} before it`,
              offset: node.range?.[0] ?? 0,
            };
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
      problem ??= tooMuch(`its aliases make more than ${YAML_LIMITS.expanded} characters of it`);
    }
    if (extent.depth > YAML_LIMITS.depth) {
      problem ??= tooMuch(`its aliases put lists and mappings more than ${YAML_LIMITS.depth} deep in each other`);
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
