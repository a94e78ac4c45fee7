import type { Problem } from "../errors.ts";

/** What is wrong with a value: the part of a `Problem` that does not depend on the input's name. */
export interface Issue {
  readonly reason: string;
  readonly allowed: string;
  readonly fix: string;
  /** Whether the value is not to be shown. */
  readonly secret?: true;
}

/** A parsed value, or a issue about it. */
export type Parsed<T> = { readonly value: T } | { readonly issue: Issue };

/** A issue about one input's value, as a problem. */
export function toProblem(input: string, value: string, { secret: conceals, ...issue }: Issue): Problem {
  return { input, value: conceals === true ? "***" : value, ...issue };
}
