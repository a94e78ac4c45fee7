import { readContainerLog } from "../docker/container-logs.ts";
import { listContainerIds, removeContainers, runContainer } from "../docker/containers.ts";
import { removeInterrupted } from "../docker/interrupted.ts";
import { KIND_NETWORK } from "../docker/networks.ts";
import { type EngineSite, reachPort, sharesPorts } from "../docker/site.ts";
import { describeError, Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import type { JournalState } from "../journal.ts";
import { poll } from "../poll.ts";
import { askApi } from "./mirrors.ts";
import { REGISTRY_CONTAINER_PORT, type RegistryPlan } from "./plan.ts";

/** Arguments that run the registry: its volume is an anonymous one of the image's, and goes with the container. */
export function registryArgs({ container, port }: RegistryPlan): readonly string[] {
  return [
    `--name=${container.name}`,
    ...container.marks,
    `--network=${KIND_NETWORK}`,
    `--publish=${port.address}:${port.port}:${REGISTRY_CONTAINER_PORT}`,
    // Images are pushed again under the same tag, and what is replaced may be deleted.
    "--env=REGISTRY_STORAGE_DELETE_ENABLED=true",
    // Version 3 sends traces to a collector that is not there, and logs each failure.
    "--env=OTEL_TRACES_EXPORTER=none",
    "--pull=never",
    container.image,
  ];
}

/** How long a registry may take until it serves: it takes moments. */
const SERVE_SECONDS = 30;

/** Starts the registry, and waits until it serves. @throws Failure with the cause. */
export async function startRegistry(
  plan: RegistryPlan,
  site: EngineSite,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  try {
    await runContainer(registryArgs(plan), { timeoutSeconds: 120, purpose: "starting the registry", signal }, exec);
  } catch (error) {
    throw error instanceof CommandError ? describeStartError(plan, error) : error;
  }
  // Published on 127.0.0.1 of another machine, it is asked from a node.
  if (site.kind === "remote" && !sharesPorts(site)) return;
  const place = { container: plan.container.name, port: REGISTRY_CONTAINER_PORT, published: plan.port };
  const { host, port } = reachPort(site, place);
  const url = `http://${host}:${port}/v2/`;
  const serves = await poll(() => answers(url), {
    everyMilliseconds: 50,
    forMilliseconds: SERVE_SECONDS * 1000,
    signal,
  });
  if (serves === true) return;
  const log = await readContainerLog(plan.container.name, exec).catch(describeError);
  const words = log.trim().split("\n").slice(-5).join("\n");
  throw new Failure(`The registry does not answer on ${url} after ${SERVE_SECONDS} s. Its last words:\n${words}`, {
    fix: "check what its last words name, and that registry of the catalog names a registry's image",
    retryable: false,
  });
}

async function answers(url: string): Promise<true | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.status === 200 ? true : undefined;
  } catch {
    return undefined;
  }
}

/** Checks from a node that the registry serves. @throws Failure with the cause. */
export async function askRegistry(plan: RegistryPlan, node: string, exec: Exec, signal: AbortSignal): Promise<void> {
  const trouble = await askApi(`http://${plan.inNetwork}`, node, exec, signal);
  if (trouble === undefined) return;
  throw new Failure(`The registry ${plan.container.name} ${trouble}.`, {
    fix: "look at its log (docker logs), and check that registry of the catalog names a registry's image",
    retryable: false,
  });
}

/** The port and the name were free when the run began. */
export function describeStartError({ port, container }: RegistryPlan, error: CommandError): Failure {
  const options = { cause: error, retryable: false };
  if (/address already in use|port is already allocated/i.test(error.stderr)) {
    return new Failure(
      `The registry's port ${port.port} on this machine was taken by something else while this step was preparing.`,
      { ...options, fix: "choose another registry-port, or find out what else opens ports on this machine" },
    );
  }
  if (/name "?\/?[\w.-]+"? is already in use/i.test(error.stderr)) {
    return new Failure(
      `Something else created a container with the registry's name, ${container.name}, while this step was preparing.`,
      { ...options, fix: "use a different cluster-name for each run on this machine, or remove that container" },
    );
  }
  return new Failure(error.message, { ...options, fix: "look at what Docker says, and run the job again" });
}

/** Removes a run's registry with its volume, also one that Docker is still creating. @returns the names. */
export async function removeRegistry(
  { container, label }: NonNullable<JournalState["registry"]>,
  interrupted: boolean,
  exec: Exec,
): Promise<readonly string[]> {
  const removeOwn = async () => {
    const listing = { timeoutSeconds: 60, purpose: "looking for the registry" };
    const ids = await listContainerIds([`label=${label}`], listing, exec);
    await removeContainers(ids, { timeoutSeconds: 120, purpose: "removing the registry" }, exec);
    return ids.map(() => container.name);
  };
  return await removeInterrupted(interrupted ? [container] : [], removeOwn, exec);
}
