import { boolean, object, string } from "valibot";
import { CommandError, type Exec, type ExecResult } from "../exec.ts";
import { pause } from "../poll.ts";
import { readJson } from "../values/json.ts";
import { type DockerOptions, docker, linesOf } from "./client.ts";
import { KIND_CLUSTER_LABEL, LOAD_BALANCER_RUN_LABEL, REGISTRY_RUN_LABEL } from "./labels.ts";

/** A container's name that is in use. */
export interface HeldName {
  readonly name: string;
  /** The kind cluster that the container's label names; empty where it has none. */
  readonly cluster: string;
  readonly image: string;
  /** In Docker's words, such as `Exited (0) 2 hours ago`. */
  readonly status: string;
  /** Whether it is a registry that a run of this Action started. */
  readonly registry?: boolean;
  /** Whether it is a provider of load balancers, or a load balancer, of a run of this Action. */
  readonly loadBalancer?: boolean;
}

/** Docker's filter for the containers of exactly this name. */
export function nameFilter(name: string): string {
  return `name=^/?${name}$`;
}

/** Arguments that list the containers, running or not, that pass the filters. */
export function listArgs(filters: readonly string[], ...format: readonly string[]): readonly string[] {
  return ["ps", "--all", ...format, ...filters.map((filter) => `--filter=${filter}`)];
}

/** The ids of the containers that pass the filters. */
export async function listContainerIds(
  filters: readonly string[],
  options: DockerOptions,
  exec: Exec,
): Promise<readonly string[]> {
  return linesOf((await docker(listArgs(filters, "--quiet", "--no-trunc"), options, exec)).stdout);
}

/** The names of the containers that pass the filters. */
export async function listContainerNames(
  filters: readonly string[],
  options: DockerOptions,
  exec: Exec,
): Promise<readonly string[]> {
  return linesOf((await docker(listArgs(filters, "--format={{.Names}}"), options, exec)).stdout);
}

const NAME_FORMAT = `{"names":{{json .Names}},"cluster":{{json (.Label "${KIND_CLUSTER_LABEL}")}},"image":{{json .Image}},"status":{{json .Status}},"registry":{{ne (.Label "${REGISTRY_RUN_LABEL}") ""}},"loadBalancer":{{ne (.Label "${LOAD_BALANCER_RUN_LABEL}") ""}}}`;
const LISTED = object({
  names: string(),
  cluster: string(),
  image: string(),
  status: string(),
  registry: boolean(),
  loadBalancer: boolean(),
});

/** The names of all containers. */
export async function listHeldNames(exec: Exec): Promise<readonly HeldName[]> {
  const options = { timeoutSeconds: 60, purpose: "listing the containers' names" };
  const { stdout } = await docker(listArgs([], `--format=${NAME_FORMAT}`), options, exec);
  return linesOf(stdout).flatMap((line) => {
    const { names, ...container } = readJson(LISTED, line);
    // A container that others are linked to has their aliases too, such as web/db.
    return names
      .split(",")
      .filter((name) => !name.includes("/"))
      .map((name) => ({ name, ...container }));
  });
}

/** What Docker knows of containers, a line each. @param format as Docker's client takes it. */
export async function inspectContainers(
  containers: readonly string[],
  format: string,
  options: DockerOptions,
  exec: Exec,
): Promise<readonly string[]> {
  const args = ["inspect", "--type=container", `--format=${format}`, ...containers];
  return linesOf((await docker(args, options, exec)).stdout);
}

/** All that Docker knows of a container, in JSON. */
export async function inspectWholeContainer(container: string, options: DockerOptions, exec: Exec): Promise<string> {
  return (await docker(["inspect", "--type=container", container], options, exec)).stdout;
}

/** Arguments that run a command in a container. */
export function execArgs(container: string, command: readonly string[]): readonly string[] {
  return ["exec", container, ...command];
}

/** Runs a command in a container that is running. */
export async function execInContainer(
  container: string,
  command: readonly string[],
  options: DockerOptions,
  exec: Exec,
): Promise<ExecResult> {
  return await docker(execArgs(container, command), options, exec);
}

/** Creates a container, without starting it. @param args options, image and command. @returns its id. */
export async function createContainer(args: readonly string[], options: DockerOptions, exec: Exec): Promise<string> {
  return (await docker(["create", ...args], options, exec)).stdout.trim();
}

/** Creates a container and starts it. @param args options, image and command. */
export async function runContainer(args: readonly string[], options: DockerOptions, exec: Exec): Promise<void> {
  await docker(["run", "--detach", ...args], options, exec);
}

/** Creates a container, waits until it has ended, and gives what it printed. @param args options, image and command. */
export async function runToEnd(args: readonly string[], options: DockerOptions, exec: Exec): Promise<string> {
  return (await docker(["run", ...args], options, exec)).stdout;
}

/** Docker gives up waiting for a container that a busy machine is slow to end (moby, daemon/kill.go); it ends all the same. */
const SLOW_TO_END = /did not receive an exit event/i;

/** The engine ended while it removed them: what it has removed by then is missing, which is no error. */
const CUT_OFF = /error during connect|unexpected EOF|connection reset by peer/i;

const REMOVE_TRIES = 3;
const REMOVE_PAUSE_MILLISECONDS = 2000;

/** Removes containers, running or not, with their anonymous volumes. */
export async function removeContainers(
  containers: readonly string[],
  options: DockerOptions,
  exec: Exec,
): Promise<void> {
  if (containers.length === 0) return;
  for (let tries = 1; ; tries += 1) {
    try {
      await docker(["rm", "--force", "--volumes", ...containers], options, exec);
      return;
    } catch (error) {
      const passes = error instanceof CommandError && [SLOW_TO_END, CUT_OFF].some((each) => each.test(error.stderr));
      if (!passes || tries === REMOVE_TRIES) throw error;
      await pause(REMOVE_PAUSE_MILLISECONDS, options.signal);
    }
  }
}

/** Sets a container's weight for the processors. */
export async function setShares(container: string, shares: number, exec: Exec): Promise<void> {
  const options = { timeoutSeconds: 60, purpose: `setting the processor share of ${container}` };
  await docker(["update", `--cpu-shares=${shares}`, container], options, exec);
}

/** Sends a signal to a container's main process. */
export async function signalContainer(container: string, name: "STOP" | "CONT", exec: Exec): Promise<void> {
  const options = { timeoutSeconds: 30, purpose: `sending ${name} to ${container}` };
  await docker(["kill", `--signal=${name}`, container], options, exec);
}

/** Restarts a container, without waiting for its end: it has nothing to lose. */
export async function restartContainer(container: string, exec: Exec, signal: AbortSignal): Promise<void> {
  const options = { timeoutSeconds: 120, purpose: `restarting ${container}`, signal };
  await docker(["restart", "-t", "0", container], options, exec);
}
