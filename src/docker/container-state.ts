import { array, boolean, number, object, string } from "valibot";
import { CommandError, type Exec } from "../exec.ts";
import { readJson, tryJson } from "../values/json.ts";
import { docker, isMissing, linesOf } from "./client.ts";
import { inspectContainers } from "./containers.ts";

/** A container's state. */
export interface ContainerState {
  /** `running`, `restarting`, `exited`, `dead`, ...; `absent` if it does not exist. */
  readonly status: string;
  readonly exitCode: number;
  /** How often Docker has restarted it because it ended. */
  readonly restarts: number;
  readonly outOfMemory: boolean;
  /** As Docker's log command takes it. */
  readonly startedAt: string;
}

const STATE_FORMAT = '{"state":{{json .State}},"restarts":{{.RestartCount}}}';
const STATE = object({
  state: object({ Status: string(), ExitCode: number(), OOMKilled: boolean(), StartedAt: string() }),
  restarts: number(),
});

/** Reads a container's state. */
export async function readContainerState(container: string, exec: Exec, signal?: AbortSignal): Promise<ContainerState> {
  const options = {
    timeoutSeconds: 30,
    purpose: `inspecting ${container}`,
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    const [line = ""] = await inspectContainers([container], STATE_FORMAT, options, exec);
    const { state, restarts } = readJson(STATE, line);
    return {
      status: state.Status,
      exitCode: state.ExitCode,
      restarts,
      outOfMemory: state.OOMKilled,
      startedAt: state.StartedAt,
    };
  } catch (error) {
    if (!isMissing("container", error)) throw error;
    return { status: "absent", exitCode: 0, restarts: 0, outOfMemory: false, startedAt: "" };
  }
}

const BINDINGS = array(object({ HostIp: string(), HostPort: string() }));

/** Where a TCP port of a container is published on the Docker host; `undefined` if it is not, or not yet. */
export async function findPublishedPort(
  container: string,
  port: number,
  purpose: string,
  exec: Exec,
): Promise<{ readonly address: string; readonly port: number } | undefined> {
  const format = `{{json (index .NetworkSettings.Ports "${port}/tcp")}}`;
  try {
    const [line = ""] = await inspectContainers([container], format, { timeoutSeconds: 30, purpose }, exec);
    const binding = tryJson(BINDINGS, line)?.[0];
    return binding === undefined ? undefined : { address: binding.HostIp, port: Number(binding.HostPort) };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** The command lines of a container's processes; none if it does not run. */
export async function listCommands(container: string, exec: Exec): Promise<readonly string[]> {
  const options = { timeoutSeconds: 30, purpose: `listing the processes of ${container}` };
  try {
    const { stdout } = await docker(["top", container, "-eo", "pid,args"], options, exec);
    const [, ...lines] = linesOf(stdout);
    return lines.map((line) => line.trim().replace(/^\d+\s+/, ""));
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

/** How much of one processor a container uses at the moment; `undefined` if Docker does not say. */
export async function measureProcessor(container: string, exec: Exec): Promise<number | undefined> {
  const options = { timeoutSeconds: 30, purpose: `measuring ${container}` };
  const { stdout } = await docker(["stats", "--no-stream", "--format={{.CPUPerc}}", container], options, exec);
  const percent = Number.parseFloat(stdout);
  return Number.isNaN(percent) ? undefined : percent / 100;
}
