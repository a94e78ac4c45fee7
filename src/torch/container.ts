import { CommandError, type Run } from "../process.ts";

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
export async function inspectContainer(container: string, run: Run, signal?: AbortSignal): Promise<ContainerState> {
  try {
    const { stdout } = await run({
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

/** What a container wrote on both streams: all of it, since a time, or the last lines. */
export async function readContainerLog(
  container: string,
  run: Run,
  options: { readonly since?: string; readonly lines?: number } = {},
): Promise<string> {
  const { stdout, stderr } = await run({
    file: "docker",
    args: [
      "logs",
      ...(options.since === undefined ? [] : ["--since", options.since]),
      ...(options.lines === undefined ? [] : ["--tail", String(options.lines)]),
      container,
    ],
    timeoutSeconds: 60,
    purpose: `reading the log of ${container}`,
  });
  return `${stdout}${stderr}`;
}

/** Starts a container anew. */
export async function restartContainer(container: string, run: Run, signal: AbortSignal): Promise<void> {
  await run({
    file: "docker",
    args: ["restart", "--time=5", container],
    timeoutSeconds: 120,
    purpose: `restarting ${container}`,
    signal,
  });
}
