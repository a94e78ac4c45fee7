import type { Issue } from "../../values/issue.ts";

/** What the runner gives to steps only: its own tokens, a step's inputs and state. */
const RUNNER_VARIABLE = /^(?:(?:ACTIONS|INPUT|STATE)_|(?:GITHUB|GH)_TOKEN$)/;

/** Names that say that the value is a secret. */
const SECRET_VARIABLE = /(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|API_?KEY|(?:^|_)(?:KEY|PAT|CREDENTIALS?))$/i;

/** A variable that no file reads by its name: whoever has its value has read the whole environment. */
const MARKER = "KIND_TORCH_MARKER";

/** A variable of the step's environment that a file of a checkout reads, and the place in the file. */
export interface ReadVariable {
  /** `undefined`: the file has the whole environment, such as from `/proc/self/environ`. */
  readonly name: string | undefined;
  readonly path: readonly string[];
}

/** Whether a variable is the runner's own, which nothing of a checkout may read. */
export function isRunnerVariable(name: string): boolean {
  return RUNNER_VARIABLE.test(name);
}

/** Whether a variable's name says that it is a secret. */
export function isSecretVariable(name: string): boolean {
  return SECRET_VARIABLE.test(name);
}

/** Placeholders for values that a file must not get; each is found again wherever the file puts it. */
export interface Placeholders {
  readonly environment: Readonly<Record<string, string>>;
  /** Finds the places at which a file has put them. */
  find(model: unknown): readonly ReadVariable[];
  /** Replaces the placeholders in a text by the variables' names. */
  name(text: string): string;
}

/**
 * Hides the runner's variables and, if asked to, those that look like secrets. A program that reads a file of a checkout,
 * and replaces variables in it, gets a placeholder for each: its own output then shows what the file reads.
 */
export function planPlaceholders(
  environment: NodeJS.ProcessEnv,
  secrets: "secrets too" | "runner only",
  nonce: string,
): Placeholders {
  const names = Object.entries(environment).flatMap(([name, value]) => {
    const hidden = isRunnerVariable(name) || (secrets === "secrets too" && isSecretVariable(name));
    return hidden && value !== undefined && value !== "" ? [name] : [];
  });
  // Lower-case letters and digits: an image's name and a label may hold one.
  const all = [MARKER, ...names].map((name, index) => ({ name, placeholder: `placeholder${nonce}n${index}x` }));
  const find = (value: unknown, path: readonly string[]): readonly ReadVariable[] => {
    if (typeof value === "string") {
      const found = all.filter(({ placeholder }) => value.includes(placeholder));
      if (found.some(({ name }) => name === MARKER)) return [{ name: undefined, path }];
      return found.map(({ name }) => ({ name, path }));
    }
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => [...find(key, path), ...find(inner, [...path, key])]);
  };
  return {
    environment: Object.fromEntries(all.map(({ name, placeholder }) => [name, placeholder])),
    find: (model) => find(model, []),
    name: (text) =>
      all.reduce((left, { name, placeholder }) => left.replaceAll(placeholder, () => `\${${name}}`), text),
  };
}

/**
 * The variables that a compose file reads and must not: any of the runner's anywhere, and a secret where it would stay, in
 * an image or in a label. A running service may be given a password of its own.
 */
export function selectRefused(read: readonly ReadVariable[]): readonly ReadVariable[] {
  return read.filter(
    ({ name, path }) =>
      name === undefined ||
      isRunnerVariable(name) ||
      path.includes("labels") ||
      (path[0] === "services" && path[2] === "build"),
  );
}

/** Says which variables a compose file reads and must not, once each. */
export function describeVariables(variables: readonly ReadVariable[]): readonly Issue[] {
  return [...new Set(variables.map(({ name }) => name))].map((name) => {
    const places = new Set(variables.filter((each) => each.name === name).map(({ path }) => path.join(".")));
    const what =
      name === undefined ? "reads the whole environment of the step" : `reads ${name} from the step's environment`;
    return {
      reason: `${what} (at ${[...places].join(", ")})`,
      allowed:
        "variables that are neither the runner's own (ACTIONS_*, INPUT_*, STATE_*, GITHUB_TOKEN, GH_TOKEN) nor, in build and labels, secrets by their names (such as *_TOKEN, *_PASSWORD, *_SECRET, *_KEY)",
      fix: `remove ${name ?? "it"} from the compose file, or build the image in an earlier step and set image to its name`,
    };
  });
}
