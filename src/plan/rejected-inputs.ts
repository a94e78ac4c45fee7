import type { Problem } from "../errors.ts";

/** The names of the inputs whose values were rejected: the defaults in their places are not the user's, so no problem follows from them. */
export type Rejected = ReadonlySet<string>;

/** The inputs that problems name; one problem may name two, and another action's input stands for ours. */
export function findRejected(problems: readonly Problem[]): Rejected {
  return new Set(problems.flatMap(({ input, meant = [] }) => [...input.split(" and "), ...meant]));
}

/** Problems that follow from some inputs; none if one of these was rejected. */
export function restingOn(
  inputs: readonly string[],
  rejected: Rejected,
  check: () => readonly Problem[],
): readonly Problem[] {
  return inputs.some((input) => rejected.has(input)) ? [] : check();
}
