import { type Command, CommandError, type Exec, type ExecResult } from "../exec.ts";

/** What a command is for, how long it may take, and what may differ besides. */
export type DockerOptions = Omit<Command, "file" | "args">;

/** Runs Docker's client. The functions of this folder are built on it, and nothing else starts `docker`. */
export async function docker(args: readonly string[], options: DockerOptions, exec: Exec): Promise<ExecResult> {
  return await exec({ ...options, file: "docker", args });
}

/** The lines of an output, without the empty one at its end. */
export function linesOf(output: string): readonly string[] {
  return output.split("\n").filter((line) => line !== "");
}

const MISSING = {
  container: /no such (?:object|container)/i,
  image: /no such image/i,
  network: /not found|no such network/i,
} as const;

/** Whether a command failed because an object of this kind does not exist. */
export function isMissing(kind: keyof typeof MISSING, error: unknown): boolean {
  return error instanceof CommandError && MISSING[kind].test(error.stderr);
}

/** Whether a command was ended because it wrote more than `maxOutputBytes`. */
export function wroteTooMuch(error: unknown): error is CommandError {
  return error instanceof CommandError && /printed too much/.test(error.message);
}
