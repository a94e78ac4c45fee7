import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

/** A process to run: never through a shell, always with a time limit. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly timeoutSeconds: number;
  /** What it is for, in a word or two: the first words of its error. */
  readonly purpose: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** How standard output is read; `latin1` keeps every byte. */
  readonly encoding?: "utf8" | "latin1";
  /** The command is ended when it has written more than this to standard output; 256 MiB where it is not set. */
  readonly maxOutputBytes?: number;
  /** Called for each line of either stream as it arrives. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, or throws a `CommandError`. */
export type Exec = (command: Command) => Promise<ExecResult>;

/** A command that could not be started, ended with a failure, ran out of time or was stopped. */
export class CommandError extends Error {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    message: string,
    outcome: { readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string },
  ) {
    super(message);
    this.name = "CommandError";
    this.exitCode = outcome.exitCode;
    this.stdout = outcome.stdout;
    this.stderr = outcome.stderr;
  }
}

/** What a command may write where nothing else is set: container logs are read whole, and there may be much of them. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** The variable by which a run's processes are known: it holds the run's folder, and children inherit it. */
const RUN_VARIABLE = "KIND_TORCH_RUN";

/**
 * Makes the function that starts processes. Each child leads a process group of its own, so that ending it ends
 * what it started too, and each carries the run's folder in its environment, so that post finds those that outlive
 * a killed main.
 */
export function createExec(runDirectory: string): Exec {
  return (command) =>
    new Promise((resolve, reject) => {
      const child = spawn(command.file, [...command.args], {
        detached: true,
        env: { ...environmentForChildren(), ...command.env, [RUN_VARIABLE]: runDirectory },
        ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
        stdio: ["pipe", "pipe", "pipe"],
      });
      const stdout: string[] = [];
      const stderr: string[] = [];
      let stopped: string | undefined;

      const stop = (reason: string) => {
        if (stopped !== undefined || child.pid === undefined) return;
        stopped = reason;
        kill(-child.pid);
        // What left the group may hold the streams open; its end is not waited for.
        child.once("exit", () => {
          child.stdout.destroy();
          child.stderr.destroy();
        });
      };
      const timer = setTimeout(
        () => stop(`did not end within ${command.timeoutSeconds} s`),
        command.timeoutSeconds * 1000,
      );
      const onAbort = () => stop("was stopped");
      if (command.signal?.aborted === true) onAbort();
      command.signal?.addEventListener("abort", onAbort);

      let written = 0;
      child.stdout.setEncoding(command.encoding ?? "utf8").on("data", (chunk: string) => {
        written += chunk.length;
        if (written > (command.maxOutputBytes ?? MAX_OUTPUT_BYTES)) stop("wrote more than is read");
        else stdout.push(chunk);
      });
      let told = 0;
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        told += chunk.length;
        if (told > (command.maxOutputBytes ?? MAX_OUTPUT_BYTES)) stop("wrote more than is read");
        else stderr.push(chunk);
      });
      if (command.onLine !== undefined) {
        createInterface({ input: child.stdout }).on("line", command.onLine);
        createInterface({ input: child.stderr }).on("line", command.onLine);
      }
      // A child that ends without reading its input breaks the pipe; its exit code tells the story.
      child.stdin.on("error", () => undefined);
      child.stdin.end(command.stdin ?? "");

      const settle = (failure: string | undefined, exitCode: number | undefined) => {
        clearTimeout(timer);
        command.signal?.removeEventListener("abort", onAbort);
        const outcome = { exitCode, stdout: stdout.join(""), stderr: stderr.join("") };
        if (failure === undefined) resolve(outcome);
        else reject(new CommandError(`${command.purpose}: ${failure}`, outcome));
      };
      child.on("error", (error: NodeJS.ErrnoException) =>
        settle(
          error.code === "ENOENT" ? `${command.file} is not installed` : `${command.file}: ${error.message}`,
          undefined,
        ),
      );
      child.on("close", (code, signal) => {
        if (stopped !== undefined) settle(`${command.file} ${stopped}`, undefined);
        else if (code === 0) settle(undefined, 0);
        else {
          const end = code === null ? `was ended by ${signal}` : `failed with exit code ${code}`;
          settle(`${command.file} ${end}${tailOf(stderr.join("") || stdout.join(""))}`, code ?? undefined);
        }
      });
    });
}

/**
 * What children get to see: not the inputs (a passphrase is one) and the runner's own tokens, and not the variables
 * that would have kind use another engine or network than the one that was looked at.
 */
function environmentForChildren(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(INPUT_|STATE_|ACTIONS_|KIND_EXPERIMENTAL_)/.test(name)),
  );
}

/** Ends every process that a run started and that is still there, until there is none. @returns how many there were. */
export async function endProcesses(runDirectory: string): Promise<number> {
  const ended = new Set<number>();
  for (let rounds = 0; rounds < 250; rounds += 1) {
    const pids = await findProcesses(runDirectory);
    if (pids.length === 0) break;
    for (const pid of pids) ended.add(pid);
    for (const pid of pids) kill(pid);
    // One that was forked meanwhile is found in the next round; one that is ending is a moment later gone.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return ended.size;
}

async function findProcesses(runDirectory: string): Promise<readonly number[]> {
  const mark = `${RUN_VARIABLE}=${runDirectory}`;
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        // A process that ends meanwhile, or that is not ours to read, is not one of the run's.
        const environment = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
        return environment.split("\0").includes(mark) ? [Number(name)] : [];
      }),
  );
  return found.flat().filter((pid) => pid !== process.pid);
}

/** Ends a process, or with a negative number its group, at once: what they leave is removed by us. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** The last lines that say something; a Go program's stack, whose lines are a path or a bare name, is left out. */
function tailOf(output: string): string {
  const all = output
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  const telling = all.filter((line) => /\S\s+\S/.test(line) && !/^\s+\S+\.go:\d+/.test(line));
  const lines = telling.length > 0 ? telling : all;
  return lines.length === 0 ? "" : `: ${lines.slice(-6).join("\n")}`;
}
