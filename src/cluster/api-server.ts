import { Agent, request } from "node:https";
import { listClusterContainers } from "../docker/cluster-containers.ts";
import { findPublishedPort } from "../docker/container-state.ts";
import { type EngineSite, reachPort } from "../docker/site.ts";
import type { Exec } from "../exec.ts";
import { poll } from "../poll.ts";
import { type ClusterNode, loadBalancerName } from "../values/nodes.ts";
import { retryCommand } from "./command-retry.ts";
import type { Kubectl } from "./kubectl.ts";
import { type Ownership, selectOwn } from "./ownership.ts";

const POLL_MILLISECONDS = 200;

/** The port of the API server in its container. */
const API_PORT = 6443;

/** An API server that answers. */
export interface ApiServer {
  /** Its address, as this step reaches it. */
  readonly server: string;
  /** The id of a control plane's container. */
  readonly controlPlane: string;
}

/** The API server to wait for. */
export interface ApiServerRequest {
  readonly ownership: Ownership;
  readonly nodes: readonly ClusterNode[];
  readonly site: EngineSite;
}

/**
 * Waits until the API server answers `/readyz` on the port that kind published, in this run's own container: a name
 * proves nothing. That is long before `kind create` returns, and late enough for RBAC's bootstrap roles to exist.
 * @returns `undefined` where the signal ends the wait.
 */
export async function waitForApiServer(
  request: ApiServerRequest,
  exec: Exec,
  signal: AbortSignal,
): Promise<ApiServer | undefined> {
  let endpoint: Endpoint | undefined;
  const answer = await poll(
    async () => {
      if (signal.aborted) return "stopped";
      endpoint ??= await findEndpoint(request, exec);
      return endpoint !== undefined && (await isApiServerReady(endpoint)) ? endpoint : undefined;
    },
    { everyMilliseconds: POLL_MILLISECONDS },
  );
  if (answer === undefined || answer === "stopped") return undefined;
  const host = answer.host.includes(":") ? `[${answer.host}]` : answer.host;
  return { server: `https://${host}:${answer.port}`, controlPlane: answer.controlPlane };
}

/** Where this step reaches the API server. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** The id of the first control plane's container. */
  readonly controlPlane: string;
}

/** Finds the endpoint once all its containers exist: kind may create the load balancer before the control planes. */
async function findEndpoint({ ownership, nodes, site }: ApiServerRequest, exec: Exec): Promise<Endpoint | undefined> {
  const [first, second] = nodes.filter((node) => node.role === "control-plane");
  const entrance = second === undefined ? first?.name : loadBalancerName(ownership.cluster);
  const own = selectOwn(await listClusterContainers(exec, ownership.cluster), ownership);
  const controlPlane = own.find(({ name }) => name === first?.name);
  const container = own.find(({ name }) => name === entrance);
  if (controlPlane === undefined || container === undefined) return undefined;
  const published = await findPublishedPort(container.id, API_PORT, "finding the API server's port", exec);
  if (published === undefined) return undefined;
  const reached = reachPort(site, { container: container.name, port: API_PORT, published });
  return { ...reached, controlPlane: controlPlane.id };
}

/** Asks without checking the certificate: nothing is sent, and nothing is trusted but that it answers. */
function isApiServerReady({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host, port, path: "/readyz", rejectUnauthorized: false, timeout: 3000 };
    // An agent of its own uses no proxy, not even with NODE_USE_ENV_PROXY.
    const asked = request({ ...options, agent: new Agent() }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}

const ADMIN_RIGHTS_SECONDS = 60;

/**
 * Waits until the admin of `admin.conf` has its rights. From Kubernetes 1.29 on kubeadm grants them by a binding that it
 * creates a moment after the API server is ready (kubeadm's EnsureAdminClusterRoleBinding).
 */
export async function waitForAdminRights(kubectl: Kubectl, signal: AbortSignal): Promise<void> {
  await retryCommand(
    () =>
      kubectl(["auth", "can-i", "*", "*", "--all-namespaces", "--quiet"], {
        purpose: "asking for the admin's rights",
      }),
    { everyMilliseconds: POLL_MILLISECONDS, forMilliseconds: ADMIN_RIGHTS_SECONDS * 1000, signal },
  );
}
