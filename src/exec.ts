import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "@actions/exec";
import { describeError } from "./errors.ts";
import { collectOutput, type OutputOptions, TOO_MUCH, tailOf } from "./exec-output.ts";
import { endMarked, RUN_VARIABLE } from "./leftovers.ts";

/** A program to run: never through a shell, without standard input unless that is a file, always with a time limit. */
export interface Command extends OutputOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly timeoutSeconds: number;
  /** What it is for, in a word or two: the first words of its error. */
  readonly purpose: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A file that it reads as its standard input. */
  readonly stdinFile?: string;
  /** A new file for its standard output, of which nothing is kept in memory then; `maxOutputBytes` holds for it too. */
  readonly stdoutFile?: string;
  readonly signal?: AbortSignal;
}

/** What a command wrote. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, or throws a `CommandError`. */
export type Exec = (command: Command) => Promise<ExecResult>;

/** A command that could not be started, ended with a failure, timed out or was stopped. */
export class CommandError extends Error {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(message: string, result: ExecResult & { readonly exitCode: number | undefined }) {
    super(message);
    this.name = "CommandError";
    this.exitCode = result.exitCode;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

/** Runs that are being ended. */
const closedRuns = new Set<string>();

/** Has no more programs started for a run: what reacts to the end of one, such as a second try, would start more. */
export function closeRun(runDirectory: string): void {
  closedRuns.add(runDirectory);
}

/** The variable that marks one command's processes. */
const COMMAND_VARIABLE = "KIND_TORCH_COMMAND";

/** How long a command that timed out may take to be gone before its end is no longer waited for. */
const GRACE_MILLISECONDS = 250;

/** How often the size of a file is looked at that a command writes. */
const WATCH_MILLISECONDS = 100;

/** By its path: @actions/exec says in the log which folders of the PATH it may not search. */
const SHELL = "/bin/sh";

/**
 * Constant: the command and its arguments are the shell's positional parameters, which it does not read, after the file for
 * standard input. Where that is none, the command finds its end at once, which @actions/exec cannot give it. `timeout` of
 * coreutils makes the command lead a process group and ends that group at the time limit, even when main is gone by then;
 * `-p` finds it where the PATH does not lead to it.
 */
const RUN_LIMITED = 'in=$1; shift; command -p timeout -s KILL "$@" <"$in"; exit "$?"';

/** The same for a command that writes into a new file, the second parameter. */
const RUN_INTO_FILE =
  'set -C; umask 077; in=$1; out=$2; shift 2; command -p timeout -s KILL "$@" <"$in" >"$out"; exit "$?"';

/**
 * Makes the function that runs programs. Each process carries the run's folder in its environment, so that post finds what
 * outlives main, and a mark of the command's own, by which it is ended early: @actions/exec gives no process id.
 */
export function createExec(runDirectory: string): Exec {
  return async (command) => {
    const output = collectOutput(command);
    const fail = (reason: string, exitCode?: number) =>
      new CommandError(`${command.purpose}: ${command.file} ${reason}`, { exitCode, ...output.read() });
    if (closedRuns.has(runDirectory) || command.signal?.aborted === true) throw fail("was stopped");

    const mark = randomUUID();
    const start = performance.now();
    const interruption = watchInterruption(command, output.tooMuch);
    const end = exec(SHELL, shellArgs(command), {
      env: { ...environmentForChildren(), ...command.env, [RUN_VARIABLE]: runDirectory, [COMMAND_VARIABLE]: mark },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      silent: true,
      ignoreReturnCode: true,
      listeners: { stdout: output.addStdout, stderr: output.addStderr },
    });
    try {
      const outcome = await Promise.race([end, interruption.reason]).catch((error: unknown) => {
        throw fail(describeError(error));
      });
      if (typeof outcome === "string") {
        await endCommand(mark, end);
        throw fail(outcome);
      }
      output.finish();
      if (outcome === 0 && isTooLarge(command)) throw fail(TOO_MUCH);
      if (outcome === 0) return output.read();
      const timedOut = performance.now() - start >= command.timeoutSeconds * 1000;
      throw timedOut ? fail(timedOutAfter(command)) : describeExit(command, outcome, output.read(), fail);
    } finally {
      interruption.stop();
    }
  };
}

function shellArgs({ file, args, timeoutSeconds, stdinFile, stdoutFile }: Command): string[] {
  const [input, limited] = [stdinFile ?? "/dev/null", [`${timeoutSeconds}`, file, ...args]];
  return stdoutFile === undefined
    ? ["-c", RUN_LIMITED, "sh", input, ...limited]
    : ["-c", RUN_INTO_FILE, "sh", input, stdoutFile, ...limited];
}

function timedOutAfter({ timeoutSeconds }: Command): string {
  return `timed out after ${timeoutSeconds} s`;
}

/** Whether a command has written more into its file than it may. */
function isTooLarge({ stdoutFile, maxOutputBytes = Number.POSITIVE_INFINITY }: Command): boolean {
  return stdoutFile !== undefined && (statSync(stdoutFile, { throwIfNoEntry: false })?.size ?? 0) > maxOutputBytes;
}

/** Says why a command ends early, once one of the reasons for it is there. */
function watchInterruption(command: Command, tooMuch: Promise<string>) {
  const { promise, resolve } = Promise.withResolvers<string>();
  const onAbort = () => resolve("was stopped");
  command.signal?.addEventListener("abort", onAbort);
  void tooMuch.then(resolve);
  // `timeout` is first, unless something that left the process group keeps the streams open.
  const limit = command.timeoutSeconds * 1000 + GRACE_MILLISECONDS;
  const timer = setTimeout(() => resolve(timedOutAfter(command)), limit);
  const watch = command.stdoutFile && setInterval(() => isTooLarge(command) && resolve(TOO_MUCH), WATCH_MILLISECONDS);
  return {
    reason: promise,
    stop: () => {
      clearTimeout(timer);
      clearInterval(watch);
      command.signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** Ends a command by its mark; one that is just being started has no process yet. */
async function endCommand(mark: string, end: Promise<unknown>): Promise<void> {
  const ended = end.then(
    () => true,
    () => true,
  );
  for (let tries = 0; tries < 50; tries += 1) {
    if ((await endMarked(COMMAND_VARIABLE, mark)) > 0) return;
    if (await Promise.race([ended, sleep(20, false)])) return;
  }
}

/** Of `timeout`: there is no such command. */
const NOT_FOUND = 127;
/** What a shell adds to the number of the signal that ended a command. */
const SIGNAL_BASE = 128;

/** The error of a command that ended with a failure. @param code null where the shell itself was ended. */
function describeExit(
  { file }: Command,
  code: number | null,
  { stdout, stderr }: ExecResult,
  fail: (reason: string, exitCode?: number) => CommandError,
): CommandError {
  if (code === NOT_FOUND && /^timeout: /.test(stderr) && stderr.includes(file)) return fail("is not installed");
  if (code === null) return fail("was ended by a signal");
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - SIGNAL_BASE)?.[0];
  return fail(
    `failed with exit code ${code}${signal === undefined ? "" : ` (${signal})`}${tailOf(stderr || stdout)}`,
    code,
  );
}

/**
 * What children get to see: not the inputs (a passphrase is one) and the runner's own tokens, and not the variables
 * that would have kind use another engine or network than the one that was inspected.
 */
function environmentForChildren(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(INPUT_|STATE_|ACTIONS_|KIND_EXPERIMENTAL_)/.test(name)) kept[name] = value;
  }
  return kept;
}
