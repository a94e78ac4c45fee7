import type { Problem } from "../errors.ts";
import { toProblem } from "../values/issue.ts";
import { nearestName } from "../values/spelling.ts";
import { isPrintable } from "../values/text.ts";
import { OTHER_ACTIONS } from "./other-actions.ts";
import type { OtherInput } from "./other-input.ts";

const VARIABLE = /^INPUT_(.+)$/;

const MAX_NAMES = 20;

/** An input that this Action does not have, and the value that a workflow gives it. */
interface Undeclared {
  /** In small letters: the runner passes it in capital ones. */
  readonly name: string;
  readonly value: string;
}

/** An input of another action, as one of the actions that have it tells. */
interface Found {
  readonly action: string;
  readonly input: OtherInput;
}

/**
 * What is wrong with inputs that this Action does not have. The runner passes them on in the environment, with a warning
 * that does not suggest another name, and nothing reads them. One that another action has was to do something: an error
 * names our input. Any other one is a warning, because it may be a variable of the job's.
 * @param declared the names of the inputs that this Action has.
 */
export function checkUndeclared(
  environment: NodeJS.ProcessEnv,
  declared: ReadonlySet<string>,
): { readonly problems: readonly Problem[]; readonly warnings: readonly string[] } {
  const undeclared = findUndeclared(environment, declared).map((each) => ({ ...each, found: findOthers(each.name) }));
  return {
    problems: undeclared.flatMap(({ value, found }) => describeOther(value, found)),
    warnings: warnAbout(
      undeclared.filter(({ found }) => found.length === 0).map(({ name }) => name),
      declared,
    ),
  };
}

function findUndeclared(environment: NodeJS.ProcessEnv, declared: ReadonlySet<string>): readonly Undeclared[] {
  return Object.entries(environment)
    .flatMap(([variable, text]) => {
      const name = VARIABLE.exec(variable)?.[1]?.toLowerCase();
      const value = (text ?? "").trim();
      return name === undefined || declared.has(name) || value === "" ? [] : [{ name, value }];
    })
    .filter(({ name }) => isPrintable(name) && name.length <= 100)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function findOthers(name: string): readonly Found[] {
  return OTHER_ACTIONS.flatMap(({ name: action, inputs }) =>
    inputs.flatMap((input) => (input.kept !== true && input.name.toLowerCase() === name ? [{ action, input }] : [])),
  );
}

/** One problem for all actions that have the input. */
function describeOther(value: string, found: readonly Found[]): readonly Problem[] {
  const [first] = found;
  if (first === undefined) return [];
  const ours = [...new Set(found.flatMap(({ input }) => input.ours))];
  const secret = found.some(({ input }) => input.secret === true);
  const issue = {
    reason: `is for an input of ${enumerate(found.map(({ action }) => action))}, which this Action does not have`,
    allowed: ours.length === 0 ? "the inputs of this Action, none of which does the same" : ours.join(", "),
    fix: describeFixes(found),
    ...(secret ? { secret } : {}),
  };
  // Nothing is wrong with the default in the place of what it was to say.
  return [{ ...toProblem(first.input.name, value, issue), meant: ours }];
}

/** What to do; where it depends on the action that the workflow used before, for each of them. */
function describeFixes(found: readonly Found[]): string {
  const fixes = Map.groupBy(found, ({ input }) => input.fix);
  if (fixes.size === 1) return [...fixes.keys()].join("");
  return [...fixes].map(([fix, of]) => `${fix} (of ${enumerate(of.map(({ action }) => action))})`).join("; ");
}

function enumerate(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

function warnAbout(names: readonly string[], declared: ReadonlySet<string>): readonly string[] {
  if (names.length === 0) return [];
  const described = names.slice(0, MAX_NAMES).map((name) => {
    const near = nearestName(name, [...declared]);
    return near === undefined ? name : `${name} (did you mean ${near}?)`;
  });
  const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
  return [
    `This Action does not have these inputs, and they have no effect: ${described.join(", ")}${more}. Fix: correct or remove them.`,
  ];
}
