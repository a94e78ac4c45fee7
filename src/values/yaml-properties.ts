import { type Document, isAlias, isCollection, isNode, isScalar, visit } from "yaml";
import type { PlacedIssue } from "./yaml-issue.ts";
import { readLexemes } from "./yaml-lexemes.ts";

/**
 * Finds a tag or an anchor that Go's YAML readers take for another one, or not at all. To them a comma and a bracket can
 * belong to a tag and a # cannot (yaml.v3's yaml_parser_scan_tag_uri), and to an anchor only letters, digits, _ and -
 * (yaml_parser_scan_anchor).
 */
export function findOddProperty(text: string, document: Document.Parsed): PlacedIssue | undefined {
  return findOddTag(text) ?? findOddAnchor(document);
}

function findOddTag(text: string): PlacedIssue | undefined {
  let isAfterTag = false;
  for (const { what, source, offset } of readLexemes(text)) {
    if (isAfterTag && !/^\s/.test(source)) {
      return { kind: "characters", message: "has a tag without a space or a line's end behind it", offset };
    }
    isAfterTag = what === "sign" && source.startsWith("!");
    if (isAfterTag && source.includes("#")) return { kind: "characters", message: "has a tag with a #", offset };
  }
  return undefined;
}

function findOddAnchor(document: Document.Parsed): PlacedIssue | undefined {
  let found: PlacedIssue | undefined;
  visit(document, {
    Node: (_, node) => {
      const name = anchorIn(node);
      if (name === undefined || /^[\w-]+$/.test(name)) return undefined;
      const offset = (isNode(node) ? node.range?.[0] : undefined) ?? 0;
      found = { kind: "characters", message: "has an anchor whose name is not of letters, digits, _ and -", offset };
      return visit.BREAK;
    },
  });
  return found;
}

function anchorIn(node: unknown): string | undefined {
  if (isAlias(node)) return node.source;
  return isScalar(node) || isCollection(node) ? node.anchor : undefined;
}
