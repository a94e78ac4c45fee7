/** What the runner gives to steps alone: its own tokens, a step's inputs and state. */
const RUNNER_VARIABLE = /^(?:(?:ACTIONS|INPUT|STATE)_|(?:GITHUB|GH)_TOKEN$)/;
const SECRET_VARIABLE = /(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|API_?KEY|(?:^|_)(?:KEY|PAT|CREDENTIALS?))$/i;

/** It is read by nothing that reads variables by their names. */
const MARKER = "KIND_TORCH_MARKER";

/** A variable of the step's environment that a file of a checkout reads, and the place in the file. */
export interface ReadVariable {
  /** `undefined`: the file has the environment whole, such as from `/proc/self/environ`. */
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

/** Values in place of those that are withheld, each found again wherever a file puts it. */
export interface StandIns {
  readonly environment: Readonly<Record<string, string>>;
  /** Finds where a file has put them. */
  find(model: unknown): readonly ReadVariable[];
  /** Writes the variables' names in place of the stand-ins. */
  name(text: string): string;
}

/**
 * Withholds the runner's variables and, where asked for, those that look like secrets. A program that reads a file of a
 * checkout, and puts variables in, gets a stand-in for each: so the program itself says what the file reads.
 */
export function planStandIns(
  environment: NodeJS.ProcessEnv,
  secrets: "secrets too" | "runner alone",
  nonce: string,
): StandIns {
  const names = Object.entries(environment).flatMap(([name, value]) => {
    const withheld = isRunnerVariable(name) || (secrets === "secrets too" && isSecretVariable(name));
    return withheld && value !== undefined && value !== "" ? [name] : [];
  });
  // Lower-case letters and digits: an image's name and a label may hold one.
  const all = [MARKER, ...names].map((name, index) => ({ name, standIn: `withheld${nonce}n${index}x` }));
  const find = (value: unknown, path: readonly string[]): readonly ReadVariable[] => {
    if (typeof value === "string") {
      const found = all.filter(({ standIn }) => value.includes(standIn));
      if (found.some(({ name }) => name === MARKER)) return [{ name: undefined, path }];
      return found.map(({ name }) => ({ name, path }));
    }
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => [...find(key, path), ...find(inner, [...path, key])]);
  };
  return {
    environment: Object.fromEntries(all.map(({ name, standIn }) => [name, standIn])),
    find: (model) => find(model, []),
    name: (text) => all.reduce((left, { name, standIn }) => left.replaceAll(standIn, () => `\${${name}}`), text),
  };
}

/**
 * Which of the variables that a compose file reads it may not: none of the runner's anywhere, and no secret where it
 * would stay, in an image or in a label. A service that runs may be given a password of its own.
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
