import type { Parsed } from "./issue.ts";

/** A whole number between two bounds. */
export function wholeNumber(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return (text: string): Parsed<number> => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      return {
        issue: { reason: "is not a whole number in the allowed range", allowed, fix: `write ${allowed}, digits only` },
      };
    }
    return { value };
  };
}

/** `true` or `false`, in YAML 1.2's spellings, as the runner's toolkit reads them. */
export function boolean(text: string): Parsed<boolean> {
  if (["true", "True", "TRUE"].includes(text)) return { value: true };
  if (["false", "False", "FALSE"].includes(text)) return { value: false };
  return { issue: { reason: "is not a boolean", allowed: "true or false", fix: "write true or false" } };
}

/** One of a few words. */
export function oneOf<const T extends string>(choices: readonly T[]) {
  return (text: string): Parsed<T> => {
    const value = choices.find((choice) => choice === text);
    if (value !== undefined) return { value };
    const allowed = choices.join(", ");
    return { issue: { reason: "is not one of the choices", allowed, fix: `write one of ${allowed}` } };
  };
}
