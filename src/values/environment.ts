/** The text of an input as the runner passes it, without the space around it; an unset one is empty. */
export function inputText(environment: NodeJS.ProcessEnv, name: string): string {
  return untrimmedInput(environment, name).trim();
}

/** The text of an input exactly as the runner passes it. */
export function untrimmedInput(environment: NodeJS.ProcessEnv, name: string): string {
  return environment[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "";
}
