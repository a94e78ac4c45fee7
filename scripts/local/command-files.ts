import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../../src/errors.ts";

/** A step's command files: the variable by which the step knows each, and its name in the folder. */
const FILES = {
  GITHUB_OUTPUT: "output",
  GITHUB_STATE: "state",
  GITHUB_ENV: "env",
  GITHUB_PATH: "path",
  GITHUB_STEP_SUMMARY: "summary",
} as const;

/** What a step wrote into its command files. */
export interface Commands {
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  readonly summary: string;
}

/** Creates empty command files in a folder. @returns the variables that name them to the step. */
export async function createCommandFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  await mkdir(folder, { recursive: true });
  const variables = Object.entries(FILES).map(([variable, name]) => [variable, join(folder, name)] as const);
  await Promise.all(variables.map(([, path]) => writeFile(path, "")));
  return Object.fromEntries(variables);
}

/** Reads the command files of a step that has ended. */
export async function readCommands(folder: string): Promise<Commands> {
  const read = (variable: keyof typeof FILES) => readFile(join(folder, FILES[variable]), "utf8");
  return {
    outputs: parseCommandFile(await read("GITHUB_OUTPUT")),
    state: parseCommandFile(await read("GITHUB_STATE")),
    variables: parseCommandFile(await read("GITHUB_ENV")),
    paths: (await read("GITHUB_PATH")).split("\n").filter((path) => path !== ""),
    summary: await read("GITHUB_STEP_SUMMARY"),
  };
}

/** What a step has saved so far, from the folder of its command files. */
export async function readState(folder: string): Promise<Readonly<Record<string, string>>> {
  try {
    return parseCommandFile(await readFile(join(folder, FILES.GITHUB_STATE), "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return {};
    throw error;
  }
}

/** Reads a runner's command file: `name=value` lines and `name<<delimiter` blocks. */
export function parseCommandFile(text: string): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const [, blockName, delimiter] = /^([^=]*?)<<(.+)$/.exec(line) ?? [];
    if (blockName !== undefined && delimiter !== undefined) {
      const end = lines.indexOf(delimiter, index + 1);
      // A step that was killed may leave a block without its end: the runner refuses it, we leave it out.
      if (end === -1) break;
      values.set(blockName, lines.slice(index + 1, end).join("\n"));
      index = end;
    } else if (line.includes("=")) {
      values.set(line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1));
    }
  }
  return Object.fromEntries(values);
}

/** Undoes the escaping of a workflow command's data. */
export function unescapeData(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
