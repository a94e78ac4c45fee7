import { type Document, isAlias, isCollection, isScalar, Lexer, visit } from "yaml";
import type { PlacedIssue } from "./yaml-issue.ts";

/** The lexer's sign that a plain, quoted or block scalar follows, and that of a document. */
const SCALAR = "\u001f";
const DOCUMENT = "\u0002";

const TAB = "has a tab before what begins a line or an item, which YAML readers treat differently";

/** What YAML allows and Go's reader does not take. */
export function findRefusedByGo(text: string, document: Document.Parsed): readonly PlacedIssue[] {
  return [...findTab(text), ...findKey(document)].slice(0, 1);
}

/**
 * Finds a tab outside of a scalar where Go's YAML reader takes none, though YAML does: in front of what a line begins with,
 * also if that is nothing, and after `-`, `?` or a `:` that begins a line (yaml.v3's yaml_parser_scan_to_next_token).
 */
function findTab(text: string): readonly PlacedIssue[] {
  let place: Place = { begins: true, depth: 0 };
  let isScalar = false;
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === SCALAR) isScalar = true;
    if (lexeme === SCALAR || lexeme === DOCUMENT) continue;
    if (!isScalar && lexeme.startsWith("\t") && place.begins && place.depth === 0)
      return [{ kind: "characters", message: TAB, offset }];
    place = isScalar ? { ...place, begins: lexeme.endsWith("\n") } : placeAfter(lexeme, place);
    isScalar = false;
    offset += lexeme.length;
  }
  return [];
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
function findKey(document: Document.Parsed): readonly PlacedIssue[] {
  const found: PlacedIssue[] = [];
  visit(document, {
    Pair: (_, { key }) => {
      const target = isAlias(key) ? key.resolve(document) : key;
      if (isScalar(target) && target.value !== null) return undefined;
      const range = isAlias(key) || isScalar(key) || isCollection(key) ? key.range : undefined;
      found.push({ kind: "key", message: "has a key that is not a string", offset: range?.[0] ?? 0 });
      return visit.BREAK;
    },
  });
  return found;
}
