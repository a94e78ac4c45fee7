/** One thing wrong with one input, in the parts that a person needs to fix it. */
export interface Problem {
  /** The input's name, or the two names that contradict each other, joined by " and ". */
  readonly input: string;
  readonly value: string;
  readonly reason: string;
  readonly allowed: string;
  readonly fix: string;
  /** Inputs that were meant: the defaults in their places are not the user's, and no problem follows from them. */
  readonly meant?: readonly string[];
}

/** Everything that is wrong with the inputs, reported at once, before the machine is touched. */
export class InputError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(describeProblems(problems));
    this.name = "InputError";
    this.problems = problems;
  }
}

/** What went wrong on the machine, with what the user can do about it. */
export class Failure extends Error {
  readonly fix: string | undefined;
  /** Whether another try may end better. */
  readonly retryable: boolean;

  constructor(
    message: string,
    options: { readonly fix?: string; readonly cause?: unknown; readonly retryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.fix = options.fix;
    this.retryable = options.retryable ?? true;
  }
}

/** A problem as one line: name, value, what is wrong, what is allowed, how to fix it. */
export function describeProblem(problem: Problem): string {
  const shown = problem.value.length > 120 ? `${problem.value.slice(0, 117)}...` : problem.value;
  return `${problem.input}: ${JSON.stringify(shown)} ${problem.reason}. Allowed: ${problem.allowed}. Fix: ${problem.fix}.`;
}

/** Further problems are only counted: a log line has a limit, and nobody reads more than these. */
const MAX_DESCRIBED = 50;

/** Problems as lines. */
export function describeProblems(problems: readonly Problem[]): string {
  const lines = problems.slice(0, MAX_DESCRIBED).map(describeProblem);
  const more = problems.length - lines.length;
  const rest = `${more} more problem${more === 1 ? "" : "s"}. Fix: fix those above first; the next run names the others.`;
  return [...lines, ...(more === 0 ? [] : [rest])].join("\n");
}

/** The text of anything thrown; a `Failure`'s fix is part of it. */
export function describeError(error: unknown): string {
  if (error instanceof Failure && error.fix !== undefined) return `${error.message}\nFix: ${error.fix}`;
  return error instanceof Error ? error.message : String(error);
}

/** An error with a fix: one that the system or Docker gave gets what commonly helps against its cause. */
export function withSystemFix(error: unknown): unknown {
  if (error instanceof Failure) return error;
  const bySystem = SYSTEM_FIXES.find(({ codes }) => codes.includes(errorCode(error) ?? ""))?.fix;
  const fix = bySystem ?? DOCKER_FIXES.find(({ words }) => words.test(describeError(error)))?.fix;
  return fix === undefined ? error : new Failure(describeError(error), { fix, cause: error });
}

/** Docker's words where each of its address pools is used up (moby, libnetwork's ipamutils and its older releases). */
export const NO_SUBNET_LEFT =
  /predefined address pools have been fully subnetted|non-overlapping IPv4 address pool among the defaults/i;
export const NO_SUBNET_FIX =
  "remove networks that are not needed (docker network prune), or give Docker more of them (default-address-pools in its daemon.json)";

/** What helps where two machines do not agree on the time. */
export const CLOCK_FIX =
  "set the clocks of this machine and of Docker Engine's to the same time (timedatectl shows them)";

const DOCKER_FIXES: readonly { readonly words: RegExp; readonly fix: string }[] = [
  {
    words: /Cannot connect to the Docker daemon|failed to connect to the docker API|error during connect/i,
    fix: "see why Docker Engine ended while this step ran (journalctl --unit=docker), start it again, and run the job again",
  },
  { words: NO_SUBNET_LEFT, fix: NO_SUBNET_FIX },
];

const SYSTEM_FIXES: readonly { readonly codes: readonly string[]; readonly fix: string }[] = [
  {
    codes: ["ENOSPC", "EDQUOT"],
    fix: "free disk space (or inodes, which df -i shows) where RUNNER_TEMP and the workspace lie, or use a runner with a larger disk",
  },
  {
    codes: ["EROFS", "EACCES", "EPERM"],
    fix: "have RUNNER_TEMP, the workspace and the folder that is named here where this user may write to them",
  },
  {
    codes: ["ENOENT", "ENOTDIR"],
    fix: "see that RUNNER_TEMP and the workspace are there, and that nothing removes them while the step runs",
  },
];

/** The code of a system error, such as `ENOENT`; `undefined` where it is none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
