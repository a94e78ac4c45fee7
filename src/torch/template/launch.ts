import { poll } from "../../poll.ts";
import { PageError } from "../clients/page-error.ts";
import type { AdministeredCluster, DeploymentTools } from "./request.ts";
import { readNamespaces } from "./workload.ts";

/** A launch that can be tried again. */
export interface Launch {
  readonly template: string;
  /** Launches the template in the dashboard. */
  readonly start: () => Promise<void>;
  /** Whether the engine has an instance of it. */
  readonly hasStarted: () => Promise<boolean>;
}

/** A launch that fails after less than this, in milliseconds, did not time out in the engine. */
const ENGINE_TIMEOUT_MILLISECONDS = 4500;

/** How long a call that timed out in the engine may go on in the service layer. */
const LATE_SECONDS = 10;
const POLL_MILLISECONDS = 1000;

/**
 * Launches a template, and once more if it timed out in the engine. Flowable waits five seconds for an answer, and it
 * creates the first node within the launch. The first call of a connector that has just started may take longer on a busy
 * machine; Flowable then rolls the start back.
 */
export async function launchWithRetry(
  { template, start, hasStarted }: Launch,
  { log, clusters, signal }: DeploymentTools,
): Promise<void> {
  const existed = (await findWithNamespace(template, clusters)).length > 0;
  const begin = performance.now();
  try {
    return await start();
  } catch (error) {
    const isTimeout =
      error instanceof PageError && error.status >= 500 && performance.now() - begin > ENGINE_TIMEOUT_MILLISECONDS;
    if (!isTimeout || existed || (await hasStarted())) throw error;
    log.info("The launch timed out in the engine, which waits 5 s for the service layer. Launching once more");
    // The namespace that the slow call may still create would make the next launch fail.
    const isEverywhere = async () => (await findWithNamespace(template, clusters)).length === clusters.length;
    await poll(async () => (await isEverywhere()) || undefined, {
      everyMilliseconds: POLL_MILLISECONDS,
      forMilliseconds: LATE_SECONDS * 1000,
      signal,
    });
    if (await hasStarted()) throw error;
    await Promise.all(clusters.map((cluster) => removeNamespace(template, cluster)));
    return await start();
  }
}

/** The clusters that have a namespace. */
async function findWithNamespace(name: string, clusters: readonly AdministeredCluster[]) {
  const found = await Promise.all(clusters.map(async ({ kubectl }) => (await readNamespaces(kubectl)).has(name)));
  return clusters.filter((_, index) => found[index] === true);
}

async function removeNamespace(name: string, { kubectl }: AdministeredCluster): Promise<void> {
  await kubectl(["delete", "namespace", name, "--ignore-not-found", "--timeout=60s"], {
    purpose: `removing the namespace ${name}`,
    timeoutSeconds: 90,
  });
}
