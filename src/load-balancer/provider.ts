import { readContainerLog } from "../docker/container-logs.ts";
import { type ContainerState, readContainerState } from "../docker/container-state.ts";
import { listContainerIds, removeContainers, runContainer } from "../docker/containers.ts";
import { readEndpoint } from "../docker/endpoint.ts";
import { type PendingContainer, removeInterrupted } from "../docker/interrupted.ts";
import type { EngineSite } from "../docker/site.ts";
import { describeError, Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { poll } from "../poll.ts";
import { findSocket, providerArgs } from "./args.ts";
import type { LoadBalancerPlan } from "./plan.ts";
import { lastWords, serves } from "./words.ts";

/** How long the provider may take until it serves: it takes seconds, and tries again after 30 s. */
const SERVE_SECONDS = 120;

const FIX =
  "check what its last words name, and that cloudProvider of the catalog names images of cloud-provider-kind and of Envoy";

/** Starts the provider, and waits until it serves the cluster. @throws Failure with the cause. */
export async function startProvider(
  plan: LoadBalancerPlan,
  { site, gateways }: { readonly site: EngineSite; readonly gateways: boolean },
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const { container } = plan;
  const socket = findSocket(await readEndpoint(exec), site);
  try {
    const options = { timeoutSeconds: 120, purpose: "starting the provider of load balancers", signal };
    await runContainer(providerArgs(plan, { socket, gateways }), options, exec);
  } catch (error) {
    throw error instanceof CommandError ? describeStartError(plan, socket, error) : error;
  }
  const ask = async () => {
    const log = await readContainerLog(container.name, exec);
    if (serves(log, plan.cluster)) return true;
    await checkProvider(container.name, exec, signal);
    return undefined;
  };
  const serving = await poll(ask, { everyMilliseconds: 300, forMilliseconds: SERVE_SECONDS * 1000, signal });
  if (serving === true) return;
  const words = await readLastWords(container.name, exec);
  throw new Failure(
    `The provider of load balancers (${container.name}) does not serve the cluster after ${SERVE_SECONDS} s. Its last words:\n${words}`,
    { fix: FIX, retryable: false },
  );
}

/** Looks whether the provider still runs. @throws Failure with its last words. */
export async function checkProvider(container: string, exec: Exec, signal?: AbortSignal): Promise<void> {
  const end = await findProviderEnd(container, exec, signal);
  if (end !== undefined) throw new Failure(end.what, { fix: end.fix, retryable: false });
}

/** How the provider ended, with its last words, and what to do; `undefined` while it runs. */
export async function findProviderEnd(
  container: string,
  exec: Exec,
  signal?: AbortSignal,
): Promise<{ readonly what: string; readonly fix: string } | undefined> {
  const state = await readContainerState(container, exec, signal);
  if (state.status === "running") return undefined;
  const what = `The provider of load balancers (${container}) ${describeState(state)}`;
  if (state.status === "absent")
    return { what: `${what}.`, fix: "look for what removes containers on this machine while the job runs" };
  return { what: `${what}. Its last words:\n${await readLastWords(container, exec)}`, fix: FIX };
}

function describeState({ status, exitCode, outOfMemory }: ContainerState): string {
  if (status === "absent") return "was removed by something else";
  if (status !== "exited" && status !== "dead") return `is ${status}`;
  return `ended with code ${exitCode}${outOfMemory ? " because it had no memory left" : ""}`;
}

async function readLastWords(container: string, exec: Exec): Promise<string> {
  return lastWords(await readContainerLog(container, exec).catch(describeError));
}

/** The name was free when the run began. */
export function describeStartError({ container }: LoadBalancerPlan, socket: string, error: CommandError): Failure {
  const options = { cause: error, retryable: false };
  if (/name "?\/?[\w.-]+"? is already in use/i.test(error.stderr)) {
    return new Failure(
      `Something else created a container with the name of the provider of load balancers, ${container.name}, while this step was preparing.`,
      { ...options, fix: "use a different cluster-name for each run on this machine, or remove that container" },
    );
  }
  if (/bind source path does not exist/i.test(error.stderr)) {
    return new Failure(
      `The provider of load balancers needs Docker's socket, and there is none at ${socket} on the machine of the Docker Engine.`,
      { ...options, fix: "have that Docker Engine listen on a socket too, or remove load-balancer" },
    );
  }
  return new Failure(error.message, { ...options, fix: "look at what Docker says, and run the job again" });
}

/**
 * Removes a run's provider and its load balancers, also a provider that Docker is still creating. The provider goes first:
 * it would start others.
 * @returns how many.
 */
export async function removeLoadBalancers(
  { container, label }: { readonly container: PendingContainer; readonly label: string },
  interrupted: boolean,
  exec: Exec,
): Promise<number> {
  const remove = async (...filters: readonly string[]) => {
    const listing = { timeoutSeconds: 60, purpose: "looking for load balancers" };
    const ids = await listContainerIds([`label=${label}`, ...filters], listing, exec);
    await removeContainers(ids, { timeoutSeconds: 180, purpose: "removing load balancers" }, exec);
    return ids;
  };
  const removeOwn = async () => [...(await remove(`name=^/?${container.name}$`)), ...(await remove())];
  return (await removeInterrupted(interrupted ? [container] : [], removeOwn, exec)).length;
}
