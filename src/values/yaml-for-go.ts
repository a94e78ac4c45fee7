import { type Document, isAlias, isCollection, isScalar, Lexer, visit } from "yaml";
import type { YamlIssue } from "./yaml-issue.ts";

/** The lexer's sign that a plain, quoted or block scalar follows, and that of a document. */
const SCALAR = "\u001f";
const DOCUMENT = "\u0002";

const TAB = "has a tab before what begins a line or an item, which YAML readers treat differently";

/** What YAML allows and Go's reader does not take. */
export function findRefusedByGo(text: string, document: Document.Parsed): YamlIssue | undefined {
  return findTab(text) ?? findKey(text, document);
}

/**
 * Finds a tab outside of a scalar where Go's YAML reader takes none, though YAML does: in front of what a line begins with,
 * also if that is nothing, and after `-`, `?` or a `:` that begins a line (yaml.v3's yaml_parser_scan_to_next_token).
 */
function findTab(text: string): YamlIssue | undefined {
  let place: Place = { begins: true, depth: 0 };
  let isScalar = false;
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === SCALAR) isScalar = true;
    if (lexeme === SCALAR || lexeme === DOCUMENT) continue;
    if (!isScalar && lexeme.startsWith("\t") && place.begins && place.depth === 0)
      return issueAt(text, offset, "characters", TAB);
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

/**
 * Finds a key that is a list, a mapping or nothing: Go reads Kubernetes' YAML as JSON, whose keys are strings
 * (sigs.k8s.io/yaml's convertToJSONableObject).
 */
function findKey(text: string, document: Document.Parsed): YamlIssue | undefined {
  let found: YamlIssue | undefined;
  visit(document, {
    Pair: (_, { key }) => {
      const target = isAlias(key) ? key.resolve(document) : key;
      if (isScalar(target) && target.value !== null) return undefined;
      const range = isAlias(key) || isScalar(key) || isCollection(key) ? key.range : undefined;
      found = issueAt(text, range?.[0] ?? 0, "key", "has a key that is not a string");
      return visit.BREAK;
    },
  });
  return found;
}

function issueAt(text: string, offset: number, kind: YamlIssue["kind"], message: string): YamlIssue {
  const before = text.slice(0, offset).split("\n");
  return { kind, message, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
