import { basename, join, relative } from "node:path";
import type { PendingContainer } from "../docker/interrupted.ts";
import { RUN_CLUSTER_LABEL, TORCH_RUN_LABEL } from "../docker/labels.ts";
import { type EngineSite, reachPort } from "../docker/site.ts";
import type { TorchInputs } from "../inputs/torch.ts";
import type { Checkout } from "./checkout/checkout.ts";
import { type Layout, planLayout } from "./checkout/layout.ts";
import { listFiles, type TorchClusters } from "./clusters/cluster.ts";
import { COMPONENTS, forEachComponent, type PerComponent } from "./components.ts";
import { withEnginePaths } from "./compose/engine-paths.ts";
import type { ComposeModel } from "./compose/model.ts";
import { planCompose, redirectUrl } from "./compose/plan.ts";
import { FAST_START_JAVA_OPTIONS } from "./compose/tuning.ts";
import { DOCKER_HOST_NAME } from "./endpoint.ts";
import { type PackageCachePlan, planPackageCache } from "./packages/plan.ts";

/** How TORCH-V2 is booted, as far as it can be decided without its checkout. */
export interface TorchPlan {
  readonly source: TorchInputs["source"];
  readonly ref: string | undefined;
  /** Where the checkout is, or will be once it is fetched. */
  readonly root: string;
  readonly layout: Layout;
  /** Put on every container, network and volume of the boot. */
  readonly labels: Readonly<Record<string, string>>;
  /** The run's own network, for its components only. */
  readonly network: string;
  readonly endpoint: TorchInputs["endpoint"];
  /** The clusters that it is booted for, the step's own first. */
  readonly clusters: TorchClusters;
  readonly projects: PerComponent<string>;
  /** The names of the containers, by which they reach each other. */
  readonly containers: PerComponent<string>;
  readonly images: PerComponent<string>;
  readonly credentialsMount: string;
  readonly waitSeconds: number;
  readonly connectors: number | undefined;
  readonly csar: string | undefined;
  /** Where the caches of the dashboard's packages are kept; `undefined`: they are not. */
  readonly packageCache: PackageCachePlan | undefined;
}

/** The label of a plan's run, in the form of Docker's filters. */
export function labelOf({ labels }: TorchPlan): string {
  return `${TORCH_RUN_LABEL}=${labels[TORCH_RUN_LABEL]}`;
}

/** Plans a boot. */
export function planTorch(
  inputs: TorchInputs,
  clusters: TorchClusters,
  runId: string,
  runDirectory: string,
): TorchPlan {
  const [{ name: cluster }] = clusters;
  return {
    source: inputs.source,
    ref: inputs.ref,
    root: inputs.source.kind === "folder" ? inputs.source.path : join(runDirectory, "torch"),
    layout: planLayout(inputs.example, inputs.layout),
    labels: { [TORCH_RUN_LABEL]: `${cluster}-${runId}`, [RUN_CLUSTER_LABEL]: cluster },
    network: `${cluster}-torch-${runId}`,
    endpoint: inputs.endpoint,
    clusters,
    // The name of a compose project cannot have dots.
    projects: forEachComponent(({ name }) => `${cluster.replaceAll(".", "-")}-${name}-${runId}`),
    containers: forEachComponent(({ name }) => `${cluster}-${name}`),
    images: forEachComponent(({ name }) => `kind-torch/${cluster}-${name}:${runId}`),
    credentialsMount: inputs.credentialsMount,
    waitSeconds: inputs.waitSeconds,
    connectors: inputs.connectors,
    csar: inputs.csar,
    packageCache: planPackageCache(inputs.packageCache, runId),
  };
}

/** Every container that compose makes for a boot, helpers included, marked as the run's. */
export function planTorchContainers(plan: TorchPlan, { components }: Checkout): readonly PendingContainer[] {
  const marks = Object.entries(plan.labels).map(([name, value]) => `--label=${name}=${value}`);
  return Object.values(COMPONENTS).flatMap(({ name }) => {
    const { model, service: own } = components[name];
    return Object.keys(model.services).map((service) => ({
      name: service === own ? plan.containers[name] : `${plan.projects[name]}-${service}-1`,
      image: plan.images[name],
      marks,
    }));
  });
}

/** The addresses by which TORCH's containers reach each other. */
export function planAddresses(plan: TorchPlan, { components }: Checkout) {
  const { environment = {} } = components.dashboard.model.services[components.dashboard.service] ?? {};
  const address = (variable: string, name: "engine" | "services") =>
    redirectUrl(environment[variable], plan.containers[name], components[name].port.target);
  return {
    BPMN_ENGINE: address("BPMN_ENGINE", "engine"),
    SERVICE_BROKER_URI: address("SERVICE_BROKER_URI", "services"),
  };
}

/** The compose file of each component, as this run starts it. */
export function planModels(plan: TorchPlan, checkout: Checkout, site: EngineSite): PerComponent<ComposeModel> {
  const addresses = planAddresses(plan, checkout);
  return forEachComponent(({ name }) => {
    const model = planCompose(checkout.components[name], {
      project: plan.projects[name],
      container: plan.containers[name],
      image: plan.images[name],
      labels: plan.labels,
      network: plan.network,
      // Only the service layer talks to the API server. Pods, and other clusters on this machine, reach what is on kind's network.
      joinsKind: name === "services" && plan.endpoint === "internal",
      environment: name === "dashboard" ? addresses : {},
      defaults: name === "dashboard" ? {} : { JAVA_TOOL_OPTIONS: FAST_START_JAVA_OPTIONS },
      files: name === "services" ? mountCredentials(plan) : [],
      extraHosts: plan.endpoint === "external" ? [`${DOCKER_HOST_NAME}:host-gateway`] : [],
    });
    return withEnginePaths(model, site);
  });
}

/**
 * The empty files that Docker creates in a mounted folder for credential files that are mounted into it: in the checkout's
 * own folder, if a compose file mounts that.
 */
export function listPlaceholders(plan: TorchPlan, { components }: Checkout): readonly string[] {
  const { model, service } = components.services;
  const targets = mountCredentials(plan).map(({ target }) => target);
  return (model.services[service]?.volumes ?? []).flatMap(({ type, source, target: folder }) =>
    type !== "bind" || source === undefined
      ? []
      : targets
          .filter((target) => target.startsWith(`${folder.replace(/\/+$/, "")}/`))
          .map((target) => join(source, relative(folder, target))),
  );
}

/** The three files of each cluster, one by one: the folder in the image holds more. */
function mountCredentials({ clusters, credentialsMount }: Pick<TorchPlan, "clusters" | "credentialsMount">) {
  return clusters.flatMap(listFiles).map((source) => ({ source, target: join(credentialsMount, basename(source)) }));
}

/** The addresses at which this step reaches the components. */
export function planUrls(plan: TorchPlan, { components }: Checkout, site: EngineSite): PerComponent<string> {
  return forEachComponent(({ name }) => {
    const { target, published } = components[name].port;
    const { host, port } = reachPort(site, {
      container: plan.containers[name],
      port: target,
      published: { address: "127.0.0.1", port: published },
    });
    return `http://${host}:${port}`;
  });
}
