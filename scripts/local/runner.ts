import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { readDefaults } from "./action.ts";
import { type Commands, createCommandFiles, readCommands, unescapeData } from "./command-files.ts";

/** The folders and files that a runner gives a step, on this machine. */
export interface StepFolders {
  readonly workspace: string;
  readonly temp: string;
  readonly toolCache: string;
}

/** One step to run, as GitHub's runner would: the bundle as a child process, inputs and files through the environment. */
export interface StepRequest {
  readonly entry: "main" | "post" | "report-command";
  readonly folders: StepFolders;
  readonly inputs: Readonly<Record<string, string>>;
  /** State that an earlier stage of the same step saved. */
  readonly state?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** The folder for the step's command files, which is kept; without it there is one for this step alone. */
  readonly commandFiles?: string;
  /** Whether the step leads a process group of its own, so that a terminal's signals do not reach it. */
  readonly detached?: boolean;
  /** Starts the step's program elsewhere than as a child of this process, with these variables: in a job's container. */
  readonly start?: (entry: string, environment: NodeJS.ProcessEnv) => StepProcess;
  /** Gets the child's process id as soon as it runs: a test kills it there. */
  readonly onStart?: (pid: number) => void;
}

/** A step's program while it runs. */
export type StepProcess = ChildProcessByStdio<null, Readable, Readable>;

/** What a step left behind, by the runner's contract. */
export interface StepResult extends Commands, StepLog {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a step printed. */
interface StepLog {
  readonly log: readonly string[];
  /** What the step asked the runner to mask; never printed. */
  readonly masks: readonly string[];
}

const ROOT = join(import.meta.dirname, "../..");

/** Runs main or post of the committed bundle under the runner's contract. */
export async function runStep(request: StepRequest): Promise<StepResult> {
  const { folders } = request;
  const own = join(folders.temp, "_runner_file_commands", randomUUID());
  const files = request.commandFiles ?? own;
  await Promise.all([folders.workspace, folders.toolCache].map((path) => mkdir(path, { recursive: true })));
  const environment = await stepEnvironment(request, await createCommandFiles(files));
  const child = (request.start ?? startHere(request))(`${request.entry}.mjs`, environment);
  if (child.pid !== undefined) request.onStart?.(child.pid);
  const printed = collectLog(child, request.onLine);
  const { promise: ended, resolve, reject } = Promise.withResolvers<Pick<StepResult, "exitCode" | "signal">>();
  child.on("error", reject);
  child.on("close", (exitCode, signal) => resolve({ exitCode, signal }));
  const end = await ended;
  const commands = await readCommands(files);
  if (files === own) await rm(own, { recursive: true, force: true });
  return { ...end, ...printed, ...commands, state: { ...request.state, ...commands.state } };
}

function startHere({ folders, detached = false }: StepRequest) {
  return (entry: string, env: NodeJS.ProcessEnv): StepProcess =>
    spawn(process.execPath, [join(ROOT, "dist", entry)], {
      env,
      cwd: folders.workspace,
      detached,
      stdio: ["ignore", "pipe", "pipe"],
    });
}

/** A job's own artifact and cache services are not this step's: act gives their addresses to every command, GitHub to none. */
function withoutServices(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("ACTIONS_")));
}

/** The variables that a step gets: this process's, the runner's, and the inputs and saved state as the toolkit reads them. */
async function stepEnvironment(
  { folders, inputs, state = {}, environment }: StepRequest,
  commandFiles: Readonly<Record<string, string>>,
): Promise<NodeJS.ProcessEnv> {
  const defaults = await readDefaults({ "job.status": "success", "strategy.job-index": "0" });
  const allInputs = Object.entries({ ...defaults, ...inputs });
  return {
    ...withoutServices(process.env),
    GITHUB_ACTIONS: "true",
    GITHUB_JOB: "local",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: "local/local",
    GITHUB_RUN_ID: "1",
    ...environment,
    GITHUB_WORKSPACE: folders.workspace,
    RUNNER_TEMP: folders.temp,
    RUNNER_TOOL_CACHE: folders.toolCache,
    ...commandFiles,
    ...Object.fromEntries(allInputs.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value] as const)),
    ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value] as const)),
  };
}

/** Collects a step's lines while it runs; what it asks to mask is not one of them. */
function collectLog(child: StepProcess, onLine?: (line: string) => void): StepLog {
  const log: string[] = [];
  const masks: string[] = [];
  const take = (line: string) => {
    const mask = /^::add-mask::(.*)$/.exec(line)?.[1];
    if (mask !== undefined) {
      masks.push(unescapeData(mask));
      return;
    }
    log.push(line);
    onLine?.(line);
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", take);
  return { log, masks };
}
