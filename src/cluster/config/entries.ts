import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, visit } from "yaml";
import { isNull, KEY, parseScalar, textOf } from "./scalars.ts";

/** An entry of a mapping. */
export interface Entry {
  readonly node: unknown;
  readonly key: unknown;
}

/** The entries of a mapping by key, and the parts that are invalid: not a mapping, or a key that is not a text (see KEY). */
export interface Entries {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly notMappings: readonly unknown[];
  readonly notKeys: readonly unknown[];
}

/** Makes the function that follows an alias: to the last anchor of its name before it. */
export function resolveAliases(document: Document.Parsed): (node: unknown) => unknown {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node | undefined>();
  visit(document, {
    Alias: (_, alias) => void targets.set(alias, anchors.get(alias.source)),
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return (node) => (isAlias(node) ? targets.get(node) : node);
}

/** Reads a mapping with what `<<` merges into it: its own keys win, and among merged ones the first. */
export function readEntries(node: unknown, resolve: (node: unknown) => unknown): Entries {
  if (!isMap(node)) return { entries: new Map(), notMappings: [node], notKeys: [] };
  const entries = new Map<string, Entry>();
  const merged: Entries[] = [];
  const notKeys: unknown[] = [];
  for (const { key: written, value } of node.items) {
    const key = resolve(written);
    if (isMergeKey(key)) {
      const sources = resolve(value);
      const each = isSeq(sources) ? sources.items : [sources];
      merged.push(...each.map((source) => readEntries(resolve(source), resolve)));
    } else if (isScalar(key) && !isNull(key) && "value" in parseScalar(key, KEY)) {
      entries.set(textOf(key), { node: value, key });
    } else {
      notKeys.push(key);
    }
  }
  for (const [key, entry] of merged.flatMap((each) => [...each.entries]))
    if (!entries.has(key)) entries.set(key, entry);
  return {
    entries,
    notMappings: merged.flatMap((each) => each.notMappings),
    notKeys: [...notKeys, ...merged.flatMap((each) => each.notKeys)],
  };
}

/** Whether a key merges what is below it (yaml.v3's isMerge). */
function isMergeKey(key: unknown): boolean {
  if (!isScalar(key) || key.type !== "PLAIN" || key.source !== "<<") return false;
  return key.tag === undefined || ["!", "tag:yaml.org,2002:merge"].includes(key.tag);
}

/** Where a node begins and ends in the text. */
export function rangeOf(node: unknown): readonly [number, number] | undefined {
  const range: unknown = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  const [start, end]: readonly unknown[] = Array.isArray(range) ? range : [];
  return typeof start === "number" && typeof end === "number" ? [start, end] : undefined;
}
