import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse } from "yaml";

/** The folders and files that a runner gives a step, on this machine. */
export interface StepFolders {
  readonly workspace: string;
  readonly temp: string;
  readonly toolCache: string;
}

/** One step to run, as GitHub's runner would: the bundle as a child process, inputs and files through the environment. */
export interface StepRequest {
  readonly entry: "main" | "post";
  readonly folders: StepFolders;
  readonly inputs: Readonly<Record<string, string>>;
  /** State that an earlier stage of the same step saved. */
  readonly state?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** The folder for the step's command files, which stays; without it there is one for this step alone. */
  readonly commandFiles?: string;
  /** Whether the step leads a process group of its own, so that a terminal's signals do not reach it. */
  readonly detached?: boolean;
  /** Gets the child's process id as soon as it runs: a test kills it there. */
  readonly onStart?: (pid: number) => void;
}

/** What a step left behind, by the runner's contract. */
export interface StepResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly log: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  readonly summary: string;
  /** What the step asked the runner to mask; never printed. */
  readonly masks: readonly string[];
}

const ROOT = join(import.meta.dirname, "../..");

/** The inputs that action.yml declares with their defaults; expressions are what the runner would make of them. */
export async function readDefaults(expressions: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const action: { readonly inputs: Readonly<Record<string, { readonly default?: string }>> } = parse(
    await readFile(join(ROOT, "action.yml"), "utf8"),
  );
  return Object.fromEntries(
    Object.entries(action.inputs).map(([name, input]) => {
      const value = input.default ?? "";
      return [name, value.startsWith("${{") ? (expressions[value.replace(/^\$\{\{\s*|\s*\}\}$/g, "")] ?? "") : value];
    }),
  );
}

/** Runs main or post of the committed bundle under the runner's contract. */
export async function runStep(request: StepRequest): Promise<StepResult> {
  const { folders } = request;
  const own = join(folders.temp, "_runner_file_commands", randomUUID());
  const files = request.commandFiles ?? own;
  await Promise.all([files, folders.workspace, folders.toolCache].map((path) => mkdir(path, { recursive: true })));
  const commandFile = async (name: string) => {
    const path = join(files, name);
    await writeFile(path, "");
    return path;
  };
  const [output, state, variables, paths, summary] = await Promise.all(
    ["output", "state", "env", "path", "summary"].map(commandFile),
  );

  const defaults = await readDefaults({ "job.status": "success", "strategy.job-index": "0" });
  const inputs = Object.entries({ ...defaults, ...request.inputs }).map(
    ([name, value]) => [`INPUT_${name.toUpperCase()}`, value] as const,
  );
  const saved = Object.entries(request.state ?? {}).map(([name, value]) => [`STATE_${name}`, value] as const);
  const child = spawn(process.execPath, [join(ROOT, "dist", `${request.entry}.mjs`)], {
    env: {
      ...process.env,
      GITHUB_ACTIONS: "true",
      GITHUB_JOB: "local",
      GITHUB_RUN_ATTEMPT: "1",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "local/local",
      GITHUB_RUN_ID: "1",
      ...request.environment,
      GITHUB_WORKSPACE: folders.workspace,
      RUNNER_TEMP: folders.temp,
      RUNNER_TOOL_CACHE: folders.toolCache,
      GITHUB_OUTPUT: output,
      GITHUB_STATE: state,
      GITHUB_ENV: variables,
      GITHUB_PATH: paths,
      GITHUB_STEP_SUMMARY: summary,
      ...Object.fromEntries(inputs),
      ...Object.fromEntries(saved),
    },
    cwd: folders.workspace,
    detached: request.detached ?? false,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid !== undefined) request.onStart?.(child.pid);

  const log: string[] = [];
  const masks: string[] = [];
  const take = (line: string) => {
    const mask = /^::add-mask::(.*)$/.exec(line)?.[1];
    if (mask !== undefined) {
      masks.push(unescapeData(mask));
      return;
    }
    log.push(line);
    request.onLine?.(line);
  };
  createInterface({ input: child.stdout }).on("line", take);
  createInterface({ input: child.stderr }).on("line", take);
  const { exitCode, signal } = await new Promise<Pick<StepResult, "exitCode" | "signal">>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, endedBy) => resolve({ exitCode: code, signal: endedBy }));
  });

  const read = async (path: string | undefined) => (path === undefined ? "" : await readFile(path, "utf8"));
  const result: StepResult = {
    exitCode,
    signal,
    log,
    masks,
    outputs: parseCommandFile(await read(output)),
    state: { ...request.state, ...parseCommandFile(await read(state)) },
    variables: parseCommandFile(await read(variables)),
    paths: (await read(paths)).split("\n").filter((path) => path !== ""),
    summary: await read(summary),
  };
  if (files === own) await rm(own, { recursive: true, force: true });
  return result;
}

/** What a step has saved so far, from the folder of its command files. */
export async function readState(commandFiles: string): Promise<Readonly<Record<string, string>>> {
  try {
    return parseCommandFile(await readFile(join(commandFiles, "state"), "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
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
