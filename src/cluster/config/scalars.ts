import { isScalar, type Scalar } from "yaml";
import type { Issue, Parsed } from "../../values/issue.ts";

/** The type of a field. Values are read as kind's own reader reads them. */
export type FieldType =
  /** `parse` is not called for an empty text, which counts as left out, except with `filled`: such a field must not be empty. */
  | { readonly type: "text"; readonly parse?: (text: string) => Parsed<string>; readonly filled?: true }
  | { readonly type: "number"; readonly min: number; readonly max: number }
  | { readonly type: "boolean" }
  | { readonly type: "list"; readonly item: FieldType }
  | { readonly type: "map"; readonly value: FieldType; readonly check?: EntryCheck }
  | { readonly type: "object"; readonly fields: Readonly<Record<string, FieldType>> };

/** Checks an entry of a mapping whose keys the user chooses. */
export type EntryCheck = (key: string, value: unknown) => Issue | undefined;

export const NOT_TEXT: Issue = {
  reason: "is a list or a mapping, not a string",
  allowed: "a string",
  fix: "write it in quotes, or as a block (|) if it has several lines",
};

/** A key is read like a text; Go's reader decodes its tag, too. */
export const KEY = { type: "text" } as const;

/** Reads a scalar as Go's yaml.v3 decodes it into a field of this type (its decode.go). */
export function parseScalar(node: unknown, type: FieldType): Parsed<unknown> {
  if (!isScalar(node)) return { issue: NOT_TEXT };
  const text = textOf(node);
  const tag = node.tag?.replace("tag:yaml.org,2002:", "");
  if (tag !== undefined && !TAGS[type.type]?.includes(tag)) {
    const fix = "remove the tag, and write a string in quotes";
    return { issue: { reason: "has an unsupported tag", allowed: "a key or a value without a tag", fix } };
  }
  // With a tag for a number or a boolean, even a text in quotes is one.
  const plain = tag === undefined ? node.type === "PLAIN" : !TAGS.text?.includes(tag);
  if (type.type === "number") return parseNumber(text, plain, { ...type, isTagged: tag === "int" });
  if (type.type === "boolean") return parseBoolean(text, plain, tag !== undefined);
  if (type.type !== "text" || type.parse === undefined) return { value: text };
  return text === "" && type.filled !== true ? { value: undefined } : type.parse(text);
}

/** The tags that a type allows: those that merely name it. */
const TAGS: Readonly<Record<string, readonly string[]>> = {
  text: ["!", "str"],
  number: ["int", "float"],
  boolean: ["bool"],
};

interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** Whether it has the tag of an integer, which no other notation may have. */
  readonly isTagged: boolean;
}

/** Numbers in Go's notations; never in quotes. */
function parseNumber(text: string, plain: boolean, { min, max, isTagged }: NumberRange) {
  const allowed = `a whole number from ${min} to ${max}, without quotes`;
  const value = numberOf(text, isTagged);
  if (plain && Number.isInteger(value) && value >= min && value <= max) return { value };
  const isNumber = Number.isInteger(value);
  if (!plain && isNumber)
    return { issue: { reason: "is a string in quotes, not a number", allowed, fix: "remove the quotes" } };
  const reason = isNumber ? "is out of range" : "is not a whole number";
  return { issue: { reason, allowed, fix: `write ${allowed}` } };
}

/** Decimal, 0x, 0o, 0b, a leading 0 for octal, `_` between digits, and `8080.0`: yaml.v3's resolve, Go's ParseInt. */
function numberOf(text: string, isInteger: boolean): number {
  if (!/^[-+.\d]/.test(text)) return Number.NaN;
  const [, sign, digits = ""] = /^([-+]?)(.*)$/s.exec(text.replaceAll("_", "")) ?? [];
  const factor = sign === "-" ? -1 : 1;
  if (/^0[0-7]+$/.test(digits)) return factor * Number.parseInt(digits, 8);
  if (digits === "" || (isInteger && !/^(?:0|[1-9]\d*|0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.test(digits))) return Number.NaN;
  return factor * Number(digits);
}

/** `true` and `false`, and YAML 1.1's words, which Go accepts for a boolean field, but not with a boolean's tag. */
function parseBoolean(text: string, plain: boolean, isTagged: boolean): Parsed<boolean> {
  if (plain && /^(?:true|True|TRUE)$/.test(text)) return { value: true };
  if (plain && /^(?:false|False|FALSE)$/.test(text)) return { value: false };
  const word = isTagged ? undefined : readOldBoolean(text);
  if (word !== undefined) return { value: word };
  const reason = /^(?:true|false)$/i.test(text) ? "is a string in quotes, not a boolean" : "is not a boolean";
  return { issue: { reason, allowed: "true or false, without quotes", fix: "write true or false" } };
}

/** What YAML 1.1's words for booleans mean. */
export function readOldBoolean(text: string): boolean | undefined {
  if (/^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(text)) return true;
  if (/^(?:n|N|no|No|NO|off|Off|OFF)$/.test(text)) return false;
  return undefined;
}

/** Whether a field is empty, in any of YAML's spellings. */
export function isNull(node: unknown): boolean {
  if (node === null || node === undefined) return true;
  return (
    isScalar(node) && node.type === "PLAIN" && node.tag === undefined && /^(?:~|null|Null|NULL)?$/.test(textOf(node))
  );
}

/** The text of a scalar as it was written, without quotes. */
export function textOf(node: Scalar): string {
  return typeof node.value === "string" ? node.value : (node.source ?? "");
}
