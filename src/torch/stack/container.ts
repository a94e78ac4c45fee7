import { CommandError, type Exec } from "../../exec.ts";

/** A component's container, as Docker says it is. */
export interface ContainerState {
  /** `running`, `restarting`, `exited`, `dead`, ...; `absent` where there is none. */
  readonly status: string;
  readonly exitCode: number;
  /** How often Docker has started it again because it ended. */
  readonly restarts: number;
  readonly outOfMemory: boolean;
  /** As Docker's log command takes it. */
  readonly startedAt: string;
}

interface InspectedContainer {
  readonly state: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
  };
  readonly restarts: number;
}

/** A container that Docker starts again and again will not serve either. */
const MAX_RESTARTS = 3;

/** Why a container will not serve any more; `undefined` where it may. */
export function findEnd({ status, exitCode, restarts, outOfMemory }: ContainerState): string | undefined {
  const why = `exit code ${exitCode}${outOfMemory ? ", killed because the machine ran out of memory" : ""}`;
  if (status === "absent") return "was removed";
  if (status === "exited" || status === "dead") return `ended (${why})`;
  return restarts >= MAX_RESTARTS ? `ended again and again (${restarts} restarts, ${why})` : undefined;
}

/** How a container is. */
export async function inspectContainer(container: string, exec: Exec, signal?: AbortSignal): Promise<ContainerState> {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: [
        "inspect",
        "--type=container",
        "--format",
        '{"state":{{json .State}},"restarts":{{.RestartCount}}}',
        container,
      ],
      timeoutSeconds: 30,
      purpose: `inspecting ${container}`,
      ...(signal === undefined ? {} : { signal }),
    });
    const { state, restarts }: InspectedContainer = JSON.parse(stdout);
    return {
      status: state.Status,
      exitCode: state.ExitCode,
      restarts,
      outOfMemory: state.OOMKilled,
      startedAt: state.StartedAt,
    };
  } catch (error) {
    if (error instanceof CommandError && /no such (?:object|container)/i.test(error.stderr)) {
      return { status: "absent", exitCode: 0, restarts: 0, outOfMemory: false, startedAt: "" };
    }
    throw error;
  }
}

/** The command lines of a container's processes; none where it does not run. */
export async function listCommands(container: string, exec: Exec): Promise<readonly string[]> {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: ["top", container, "-eo", "pid,args"],
      timeoutSeconds: 30,
      purpose: `listing the processes of ${container}`,
    });
    const [, ...lines] = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => line.trim().replace(/^\d+\s+/, ""));
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

const SHELL = /^(?:\S*\/)?(?:ba|da|a|z|k)?sh\b|^(?:\S*\/)?(?:tini|dumb-init|docker-init|busybox (?:a|ba)?sh)\b/;
const ENDLESS = /^(?:\S*\/)?(?:sleep inf(?:inity)?|tail -f \/dev\/null)\b/;

/** Whether a container has nothing left but a shell that sleeps for ever: its script went on although a program failed. */
export function hasNoProgram(commands: readonly string[]): boolean {
  const alive = commands.filter((command) => !command.endsWith(" <defunct>"));
  const endless = alive.filter((command) => ENDLESS.test(command));
  return endless.length > 0 && alive.every((command) => endless.includes(command) || SHELL.test(command));
}

/** A share of one processor that a container uses at the moment; `undefined` where Docker does not say. */
export async function measureProcessor(container: string, exec: Exec): Promise<number | undefined> {
  const { stdout } = await exec({
    file: "docker",
    args: ["stats", "--no-stream", "--format={{.CPUPerc}}", container],
    timeoutSeconds: 30,
    purpose: `measuring ${container}`,
  });
  const percent = Number.parseFloat(stdout);
  return Number.isNaN(percent) ? undefined : percent / 100;
}

/** Sends a signal to a container's main process. */
export async function signalContainer(container: string, name: "STOP" | "CONT", exec: Exec): Promise<void> {
  await exec({
    file: "docker",
    args: ["kill", `--signal=${name}`, container],
    timeoutSeconds: 30,
    purpose: `sending ${name} to ${container}`,
  });
}

/** Restarts a container, without waiting for its end: it has nothing to lose. */
export async function restartContainer(container: string, exec: Exec, signal: AbortSignal): Promise<void> {
  await exec({
    file: "docker",
    args: ["restart", "-t", "0", container],
    timeoutSeconds: 120,
    purpose: `restarting ${container}`,
    signal,
  });
}
