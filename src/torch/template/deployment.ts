import { type Engine, openEngine } from "../clients/engine.ts";
import type { CreatedTemplate } from "./create.ts";
import { explainError } from "./explain.ts";
import { followDeployment, type Launched } from "./follow.ts";
import { launchWithRetry } from "./launch.ts";
import { type DeploymentRequest, type DeploymentTools, inCluster } from "./request.ts";
import { readWorkloads } from "./workload.ts";

/** A template of which every node is started and every Deployment is available. */
export interface Deployed {
  readonly template: string;
  readonly nodes: readonly string[];
  /** The clusters of the template, with the addresses at which TORCH-V2 reaches them. */
  readonly clusters: readonly DeployedCluster[];
}

/** What a template has in a cluster. */
export interface DeployedCluster {
  readonly name: string;
  readonly endpoint: string;
  /** As `deployment/name` and `service/name`. */
  readonly objects: readonly string[];
}

/** How often the engine looks at a node, in seconds. */
const CHECK_PERIOD = 2;

/**
 * How long TORCH waits for a node, in minutes. The progress deadline of a Deployment passes after ten minutes, and the
 * connector then reports success although no pod ever ran.
 */
const MAX_CREATE_MINUTES = 9;

/**
 * Launches a created template and follows every node until it is started, then every Deployment until it is available.
 * @throws Failure with the node or pod, the reason in its own words, and the likely cause.
 */
export async function deployTemplate(
  created: CreatedTemplate,
  request: DeploymentRequest,
  tools: DeploymentTools,
): Promise<Deployed> {
  const { log, timeline, signal, clusters } = tools;
  const { template, nodes } = request.csar;
  await timeline.measure("Deploy the template", async () => {
    const launched = await launchTemplate(created, openEngine(request.urls.engine, signal), request, tools);
    await followDeployment(launched, request, tools);
  });
  const workloads = await readWorkloads(template, nodes, clusters);
  const deployed = clusters.map((cluster) => {
    const { deployments = [], services = [] } = workloads.get(cluster.name) ?? {};
    const objects = [...deployments, ...services].map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
    const where = inCluster(cluster, clusters);
    log.info(
      objects.length === 0 ? `${template} has no Deployment${where}` : `Of ${template}${where}: ${objects.join(", ")}`,
    );
    return { name: cluster.name, endpoint: request.access.get(cluster.name)?.endpoint ?? "", objects };
  });
  return { template, nodes, clusters: deployed };
}

async function launchTemplate(
  { dashboard, list, applications }: CreatedTemplate,
  engine: Engine,
  request: DeploymentRequest,
  tools: DeploymentTools,
): Promise<Launched> {
  const { csar, addresses, waitSeconds } = request;
  const settings = {
    bpmnEngineEndpoint: addresses.engine,
    serviceBrokerEndpoint: addresses.broker,
    // A retry deletes what the first try made, and with it the reason why that failed.
    retryCounter: "0",
    checkPeriod: String(CHECK_PERIOD),
    createTimeout: String(Math.min(MAX_CREATE_MINUTES, Math.max(1, Math.ceil(waitSeconds / 60)))),
  };
  try {
    const known = new Set((await engine.listTopInstances()).map(({ id }) => id));
    const page = await dashboard.openTemplate(csar.template, list);
    const launch = {
      template: csar.template,
      start: () => dashboard.launch(settings, page, list),
      hasStarted: async () => (await engine.listTopInstances()).some(({ id }) => !known.has(id)),
    };
    await launchWithRetry(launch, tools);
    return { engine, known, applications };
  } catch (error) {
    throw await explainError(error, request, tools, ["engine", "dashboard", "services"]);
  }
}
