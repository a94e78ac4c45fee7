import { Lexer } from "yaml";
import type { YamlIssue } from "./yaml-issue.ts";

/** The lexer's sign that a plain, quoted or block scalar follows, and that of a document. */
const SCALAR = "\u001f";
const DOCUMENT = "\u0002";

/**
 * Finds a tab outside of a scalar where Go's YAML reader takes none, though YAML does: in front of what a line begins with,
 * also if that is nothing, and after `-`, `?` or a `:` that begins a line (yaml.v3's yaml_parser_scan_to_next_token).
 */
export function findTab(text: string): YamlIssue | undefined {
  let place: Place = { begins: true, depth: 0 };
  let isScalar = false;
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === SCALAR) isScalar = true;
    if (lexeme === SCALAR || lexeme === DOCUMENT) continue;
    if (!isScalar && lexeme.startsWith("\t") && place.begins && place.depth === 0) return issueAt(text, offset);
    place = isScalar ? { ...place, begins: lexeme.endsWith("\n") } : placeAfter(lexeme, place);
    isScalar = false;
    offset += lexeme.length;
  }
  return undefined;
}

interface Place {
  /** Whether a line or an item begins here. */
  readonly begins: boolean;
  /** Of flow collections, in which tabs are like spaces. */
  readonly depth: number;
}

function placeAfter(sign: string, { begins, depth }: Place): Place {
  if (/^[ \t]+$/.test(sign)) return { begins, depth };
  if (/^[[{]$/.test(sign)) return { begins: false, depth: depth + 1 };
  if (/^[\]}]$/.test(sign)) return { begins: false, depth: Math.max(0, depth - 1) };
  return { begins: /\n$|^[-?]$/.test(sign) || (begins && sign === ":"), depth };
}

function issueAt(text: string, offset: number): YamlIssue {
  const before = text.slice(0, offset).split("\n");
  return {
    kind: "characters",
    message: "has a tab before what begins a line or an item, which YAML readers treat differently",
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
  };
}
