import type { Problem } from "../errors.ts";

/** Names of the inputs whose values were rejected: their places hold defaults, from which nothing follows. */
export type Rejected = ReadonlySet<string>;

/** The inputs that problems name; one may name two. */
export function findRejected(problems: readonly Problem[]): Rejected {
  return new Set(problems.flatMap(({ input }) => input.split(" and ")));
}

/** Problems that rest on some inputs: none where one of these was rejected. */
export function restingOn(
  inputs: readonly string[],
  rejected: Rejected,
  check: () => readonly Problem[],
): readonly Problem[] {
  return inputs.some((input) => rejected.has(input)) ? [] : check();
}
