import type { PlacedIssue } from "./yaml-issue.ts";
import { type Lexeme, readLexemes } from "./yaml-lexemes.ts";

const TAB = "has a tab before what begins a line or an item, which YAML readers treat differently";

/** Where the next lexeme is. */
interface Place {
  /** Whether a line or an item begins here. */
  readonly begins: boolean;
  /** Of flow collections, in which tabs are like spaces. */
  readonly depth: number;
}

/**
 * Finds a tab where Go's YAML reader takes none, though YAML does: outside of a scalar in front of what a line begins with
 * and after `-`, `?` or a `:` that begins a line (yaml.v3's yaml_parser_scan_to_next_token), and where a block's
 * indentation is (yaml_parser_scan_block_scalar_breaks). One on a line without anything else is also found, which Go takes
 * behind some tokens.
 */
export function findTab(text: string): PlacedIssue | undefined {
  let place: Place = { begins: true, depth: 0 };
  for (const { what, source, offset } of readLexemes(text)) {
    const at = findIn(what, source, place);
    if (at !== -1) return { kind: "characters", message: TAB, offset: offset + at };
    place = what === "sign" ? placeAfter(source, place) : { ...place, begins: source.endsWith("\n") };
  }
  return undefined;
}

function findIn(what: Lexeme["what"], source: string, place: Place): number {
  if (what === "block") return tabInBlock(source);
  return what === "sign" ? tabBetween(source, place) : -1;
}

function tabBetween(lexeme: string, { begins, depth }: Place): number {
  return /^[ \t]+$/.test(lexeme) && begins && depth === 0 ? lexeme.indexOf("\t") : -1;
}

/** A tab among the spaces from which Go finds out how far a block is indented. */
function tabInBlock(block: string): number {
  const [before] = /^(?: *\n)* *(?=\t)/.exec(block) ?? [];
  return before?.length ?? -1;
}

function placeAfter(sign: string, { begins, depth }: Place): Place {
  if (/^[ \t]+$/.test(sign)) return { begins, depth };
  if (/^[[{]$/.test(sign)) return { begins: false, depth: depth + 1 };
  if (/^[\]}]$/.test(sign)) return { begins: false, depth: Math.max(0, depth - 1) };
  return { begins: /\n$|^[-?]$/.test(sign) || (begins && sign === ":"), depth };
}
