import { unescapeDollars } from "./model.ts";

/** A field of a mapping; `undefined` where the value is not a mapping, or has no such field. */
export function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

/** The fields of a mapping. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

/** A list, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The text of a field of a compose model. */
export function textOf(value: unknown, key: string): string | undefined {
  const text = fieldOf(value, key);
  return typeof text === "string" ? unescapeDollars(text) : undefined;
}

/** The texts in a list of a compose model. */
export function textsOf(value: unknown): readonly string[] {
  return listOf(value).flatMap((each) => (typeof each === "string" ? [unescapeDollars(each)] : []));
}

/** Whether a field of compose is on, in any of YAML's spellings. */
export function isOn(value: unknown): boolean {
  return value === true || (typeof value === "string" && !/^(?:false|f|0|no?|off|)$/i.test(value));
}
