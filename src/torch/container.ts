import { CommandError, type Run } from "../process.ts";

/** A component's container, as Docker says it is. */
export interface ContainerState {
  /** `running`, `restarting`, `exited`, `dead`, ...; `absent` where there is none. */
  readonly status: string;
  readonly exitCode: number;
  /** As Docker's log command takes it. */
  readonly startedAt: string;
}

/** How a container is. */
export async function inspectContainer(container: string, run: Run, signal?: AbortSignal): Promise<ContainerState> {
  try {
    const { stdout } = await run({
      file: "docker",
      args: ["inspect", "--type=container", "--format", "{{json .State}}", container],
      timeoutSeconds: 30,
      purpose: `inspecting ${container}`,
      ...(signal === undefined ? {} : { signal }),
    });
    const state: { readonly Status: string; readonly ExitCode: number; readonly StartedAt: string } =
      JSON.parse(stdout);
    return { status: state.Status, exitCode: state.ExitCode, startedAt: state.StartedAt };
  } catch (error) {
    if (error instanceof CommandError && /no such (?:object|container)/i.test(error.stderr)) {
      return { status: "absent", exitCode: 0, startedAt: "" };
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
