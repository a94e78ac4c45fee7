import type { Problem } from "../errors.ts";

/** What is wrong with a value: the part of a `Problem` that does not depend on the input's name. */
export interface Issue {
  readonly reason: string;
  readonly allowed: string;
  readonly fix: string;
  /** Whether the value must not be shown. */
  readonly secret?: true;
}

/** A parsed value, or what is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly issue: Issue };

/** What is wrong with the value of an input, as a problem. */
export function toProblem(input: string, value: string, { secret, ...issue }: Issue): Problem {
  return { input, value: secret === true ? "***" : value, ...issue };
}
