import type { PlacedIssue } from "./yaml-issue.ts";
import { type Lexeme, readLexemes } from "./yaml-lexemes.ts";

/** Where the next lexeme is. */
interface Place {
  /** Of `[]` and `{}`. */
  readonly depth: number;
  readonly last: Lexeme | undefined;
  /** Whether that is the `:` after a plain scalar. */
  readonly isAfterColon: boolean;
  /** The last one that is neither blank nor a comment. */
  readonly lastWord: Lexeme | undefined;
}

type Reason = Pick<PlacedIssue, "kind" | "message">;

/**
 * Finds tags, anchors and a `:` that Go's YAML readers refuse or read as something else, though YAML 1.2 allows them. In Go
 * a comma and a bracket can belong to a tag and a # cannot (yaml.v3's yaml_parser_scan_tag_uri), an anchor has only
 * letters, digits, _ and - (yaml_parser_scan_anchor), and a plain scalar in [] or {} includes a `:` that no space follows
 * (yaml_parser_scan_plain_scalar).
 */
export function findOddProperty(text: string): PlacedIssue | undefined {
  let place: Place = { depth: 0, last: undefined, isAfterColon: false, lastWord: undefined };
  for (const lexeme of readLexemes(text)) {
    // An empty scalar, which the lexer has in some places.
    if (lexeme.source === "") continue;
    const reason = describeEnd(lexeme, place) ?? describeProperty(lexeme, place);
    if (reason !== undefined) return { ...reason, offset: lexeme.offset };
    place = placeAfter(lexeme, place);
  }
  return undefined;
}

/** What is wrong with the end of the lexeme before this one. */
function describeEnd({ source }: Lexeme, { depth, last, isAfterColon }: Place): Reason | undefined {
  if (last !== undefined && isTag(last) && !/^\s/.test(source)) {
    return { kind: "space", message: "has a tag that is not followed by a space or a line break" };
  }
  if (depth === 0 || !isAfterColon || !/^[,\]}]/.test(source)) return undefined;
  return { kind: "space", message: "has a : in [] or {} that is not followed by a space" };
}

function describeProperty(lexeme: Lexeme, { depth, lastWord }: Place): Reason | undefined {
  const { source } = lexeme;
  if (!isTag(lexeme) && !isAnchor(lexeme)) return undefined;
  if (isTag(lexeme) && /#|^!<>/.test(source)) {
    return { kind: "property", message: "has a tag that is empty or contains #" };
  }
  if (isAnchor(lexeme) && !/^.[\w-]+$/.test(source)) {
    return { kind: "property", message: "has an anchor whose name has characters other than letters, digits, _ and -" };
  }
  const isLate =
    depth > 0 && lastWord !== undefined && !isBeforeItem(lastWord) && !isTag(lastWord) && !isAnchor(lastWord);
  return isLate ? { kind: "property", message: "has a tag or an anchor after its value" } : undefined;
}

function placeAfter(lexeme: Lexeme, { depth, lastWord }: Place): Place {
  const isBlank = lexeme.what === "sign" && /^(?:\s*$|#)/.test(lexeme.source);
  const opened = isSign(lexeme, "[") || isSign(lexeme, "{") ? 1 : 0;
  const closed = isSign(lexeme, "]") || isSign(lexeme, "}") ? 1 : 0;
  return {
    depth: Math.max(0, depth + opened - closed),
    last: lexeme,
    isAfterColon: isSign(lexeme, ":") && lastWord?.what === "scalar",
    lastWord: isBlank ? lastWord : lexeme,
  };
}

function isSign({ what, source }: Lexeme, sign: string): boolean {
  return what === "sign" && source === sign;
}

function isTag({ what, source }: Lexeme): boolean {
  return what === "sign" && source.startsWith("!");
}

/** An anchor or an alias. */
function isAnchor({ what, source }: Lexeme): boolean {
  return what === "sign" && /^[&*]/.test(source);
}

function isBeforeItem({ what, source }: Lexeme): boolean {
  return what === "sign" && /^[[{,:?]$/.test(source);
}
