import { type Document, isAlias, isCollection, isNode, isPair, isScalar, type Pair, visit } from "yaml";
import type { PlacedIssue } from "./yaml-issue.ts";
import { findTab } from "./yaml-tabs.ts";

/** goyaml.v2 looks for the `:` of a key in 1,024 characters, with its quotes and the spaces around it. */
const MAX_KEY = 1000;

/** A part of a document, and what it is in. */
interface Part {
  readonly text: string;
  readonly document: Document.Parsed;
  readonly isInFlow: boolean;
}

/**
 * What YAML allows and Go's readers of Kubernetes' YAML do not take: goyaml.v2 reads the syntax, and sigs.k8s.io/yaml makes
 * JSON of the values.
 */
export function findRefusedByGo(text: string, document: Document.Parsed): PlacedIssue | undefined {
  return findDirective(text) ?? findTab(text) ?? findPart(text, document);
}

/** A directive, or the sign that ends a document: kind splits a patch at `---` before it is read. */
function findDirective(text: string): PlacedIssue | undefined {
  const offset = text.search(/^(?:%|\.\.\.(?=\s|$))/m);
  if (offset === -1) return undefined;
  return { kind: "characters", message: "has a directive or ..., which kind's reader does not take", offset };
}

function findPart(text: string, document: Document.Parsed): PlacedIssue | undefined {
  let found: PlacedIssue | undefined;
  const look = (node: unknown, path: readonly unknown[]) => {
    const isInFlow = path.some((each) => isCollection(each) && each.flow === true);
    const issue = describePart(node, { text, document, isInFlow });
    if (issue === undefined) return undefined;
    found = { ...issue, offset: offsetOf(node) };
    return visit.BREAK;
  };
  visit(document, {
    Pair: (_, pair, path) => look(pair, path),
    Node: (_, node, path) => look(node, path),
  });
  return found;
}

function offsetOf(node: unknown): number {
  const first = isPair(node) ? node.key : node;
  return (isNode(first) ? first.range?.[0] : undefined) ?? 0;
}

type Reason = Pick<PlacedIssue, "kind" | "message">;

function describePart(node: unknown, part: Part): Reason | undefined {
  if (isPair(node)) return describePair(node, part);
  const tag = isNode(node) ? node.tag?.replace("tag:yaml.org,2002:", "") : undefined;
  // Maps and lists that are written without a tag have none here, and scalars neither.
  if (tag !== undefined && !["str", "map", "seq", "!"].includes(tag)) {
    return { kind: "characters", message: "has a tag other than !!str, !!map and !!seq" };
  }
  return isScalar(node) ? describeScalar(node, part) : undefined;
}

/** A tag or an anchor at the end of a line, outside of a comment, and nothing after it. */
const PROPERTY_ABOVE = /(?:^|\n)(?:[^#\n]*[\s,[{:])?[!&][^\s,[\]{}]*[ \t]*\n\s*$/;

function describePair({ key, value }: Pair, { text, document, isInFlow }: Part): Reason | undefined {
  if (!isString(isAlias(key) ? key.resolve(document) : key)) {
    return { kind: "key", message: "has a key that is not a string" };
  }
  const [begin = 0, end = 0] = (isNode(key) ? key.range : undefined) ?? [];
  const start = isNode(value) ? (value.range?.[0] ?? end) : end;
  const source = text.slice(begin, end);
  const isApart =
    source.includes("\n") ||
    (!isAlias(key) && /^\s*\n\s*:/.test(text.slice(end, start))) ||
    PROPERTY_ABOVE.test(text.slice(Math.max(0, begin - MAX_KEY), begin));
  return isInFlow && isApart
    ? { kind: "characters", message: "has a key on several lines, or its : on another" }
    : undefined;
}

/**
 * Whether Go makes a string of a key: of a scalar with a value, but not of an integer that only an unsigned one holds
 * (sigs.k8s.io/yaml's convertToJSONableObject).
 */
function isString(key: unknown): boolean {
  if (!isScalar(key) || key.value === null) return false;
  return typeof key.value !== "number" || key.value < 2 ** 63 || key.value > 2 ** 64;
}

function describeScalar(
  {
    type,
    value,
    range,
  }: { readonly type?: unknown; readonly value: unknown; readonly range?: readonly number[] | null },
  { text, isInFlow }: Part,
): Reason | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return { kind: "characters", message: "has a number that JSON does not have" };
  }
  const source = text.slice(range?.[0] ?? 0, range?.[1] ?? 0);
  if (type === "PLAIN" && isInFlow && source.startsWith(":")) {
    return { kind: "characters", message: "has a string in [] or {} that begins with :" };
  }
  if (type === "PLAIN" && isInFlow && /\?(?:\s|$)|\s\?/.test(source)) {
    return { kind: "characters", message: "has a string in [] or {} with a ? beside a space or at its end" };
  }
  if (type === "QUOTE_DOUBLE" && /(?<!\\)(?:\\\\)*\\(?:\/|u[dD][89a-fA-F])/.test(source)) {
    return { kind: "characters", message: "has a \\/ or a surrogate, which kind's reader does not take" };
  }
  return undefined;
}

/** Finds a key that is too long for Go's readers, as it is written and in the form that kind gets. */
export function findLongKey(document: Document.Parsed): PlacedIssue | undefined {
  let found: PlacedIssue | undefined;
  visit(document, {
    Pair: (_, { key }) => {
      const [begin = 0, end = 0] = (isNode(key) ? key.range : undefined) ?? [];
      const length = Math.max(end - begin, isScalar(key) && typeof key.value === "string" ? key.value.length : 0);
      if (length <= MAX_KEY) return undefined;
      found = { kind: "key", message: `has a key of more than ${MAX_KEY} characters`, offset: begin };
      return visit.BREAK;
    },
  });
  return found;
}

/** Finds a text that is half of a character: no reader of UTF-8 takes it. */
export function findHalfCharacter(document: Document.Parsed): PlacedIssue | undefined {
  let found: PlacedIssue | undefined;
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value !== "string" || node.value.isWellFormed()) return undefined;
      found = { kind: "syntax", message: "half a character (a surrogate)", offset: node.range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return found;
}
