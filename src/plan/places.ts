import { join } from "node:path";
import type { UserConfiguration } from "../cluster/config/read.ts";
import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import { type ClusterShape, planShape } from "../cluster/config/shape.ts";
import { findHostPorts } from "../cluster/kind.ts";
import { type OwnerMount, planOwnerMount } from "../cluster/ownership.ts";
import { type CredentialPaths, credentialPaths } from "../credentials/files.ts";
import type { Problem } from "../errors.ts";
import type { HostPort } from "../host/ports.ts";
import { applyLiqo, checkLiqo } from "../liqo/plan.ts";
import { checkLoadBalancer } from "../load-balancer/conflicts.ts";
import { type LoadBalancerPlan, planLoadBalancer } from "../load-balancer/plan.ts";
import { checkPullConfiguration, checkRegistry, checkRegistryPort } from "../pulls/conflicts.ts";
import { DEFAULT_REGISTRY_PORT, type PullPlan, planRegistry } from "../pulls/plan.ts";
import { planEarlierCluster, planOwnCluster } from "../torch/clusters/cluster.ts";
import { checkEarlierClusters } from "../torch/clusters/conflicts.ts";
import { applyTorchEndpoint, checkEndpoint } from "../torch/endpoint.ts";
import { checkCachePlace } from "../torch/packages/plan.ts";
import { planTorch, type TorchPlan } from "../torch/plan.ts";
import { checkCniManifests } from "./cni.ts";
import { checkSans } from "./credentials.ts";
import { applyEngineSite, checkEngineSite } from "./engine-site.ts";
import type { PlanFacts } from "./facts.ts";
import { checkMachine } from "./machine.ts";
import { checkForeignLabels, checkHeldNames, checkPresentCluster } from "./names.ts";
import { restingOn } from "./rejected-inputs.ts";
import { checkSharedPorts } from "./shared-ports.ts";
import { checkFamily, checkSubnets } from "./subnets.ts";

/** The parts of a run that have a place on this machine, whatever the versions are. */
export interface PlannedPlaces {
  readonly runDirectory: string;
  /** What this run's nodes mount, and no other's. */
  readonly owner: OwnerMount;
  readonly shape: ClusterShape;
  /** The user's, which has the positions of its fields. */
  readonly configuration: UserConfiguration | undefined;
  readonly ports: readonly HostPort[];
  readonly credentials: CredentialPaths;
  /** TORCH-V2's boot; `undefined` where none is asked for. */
  readonly torch: TorchPlan | undefined;
  readonly pulls: PullPlan;
  /** What gives Services their load balancers; `undefined` where nothing does. */
  readonly loadBalancer: LoadBalancerPlan | undefined;
}

/** Decides the places of a run on this machine. */
export function planPlaces(facts: PlanFacts): PlannedPlaces {
  const { inputs, files, host, folders, runId } = facts;
  const reachable = applyEngineSite(inputs, files.configuration, host.site);
  const applied = applyTorchEndpoint(reachable, files.configuration, host.defaultGateway);
  const shaped = planShape(applied, files.configuration);
  const planned = inputs.liqo ? applyLiqo(shaped, surroundings(facts)) : shaped;
  const followsEndpoint = reachable.apiServerAddress === undefined && applied.apiServerAddress !== undefined;
  const shape = followsEndpoint
    ? { ...planned, addressField: { input: "torch-endpoint", value: "external" } }
    : planned;
  const runDirectory = join(folders.temp, `kind-torch-${shape.name}-${runId}`);
  const credentials = credentialPaths(inputs.credentialsDirectory ?? join(runDirectory, "credentials"), inputs.user);
  return {
    shape,
    configuration: files.configuration,
    runDirectory,
    owner: planOwnerMount(host.site, { runDirectory, runId }),
    ports: findHostPorts(files.configuration, shape.apiServerAddress),
    credentials,
    torch: planBoot(facts, { shape, credentials, runDirectory }),
    pulls: planPulls({ inputs, files, runId }, shape.name),
    loadBalancer: inputs.loadBalancer
      ? planLoadBalancer(shape.name, { runId, images: files.catalog.cloudProvider })
      : undefined,
  };
}

/** TORCH-V2's boot, for the step's own cluster and those of earlier steps. */
function planBoot(
  { inputs, earlierClusters = [], runId }: PlanFacts,
  { shape, credentials, runDirectory }: Pick<PlannedPlaces, "shape" | "credentials" | "runDirectory">,
): TorchPlan | undefined {
  if (inputs.torch === undefined) return undefined;
  const own = planOwnCluster(shape.name, shape.nodes, credentials);
  const earlier = earlierClusters.map((cluster) => planEarlierCluster(cluster, runDirectory));
  return planTorch(inputs.torch, [own, ...earlier], runId, runDirectory);
}

function planPulls({ inputs, files, runId }: Pick<PlanFacts, "inputs" | "files" | "runId">, cluster: string): PullPlan {
  const image = files.catalog.registry ?? "";
  const port = inputs.registryPort ?? DEFAULT_REGISTRY_PORT;
  return {
    registry: inputs.registry ? planRegistry(cluster, { runId, image, port }) : undefined,
    mirrors: inputs.registryMirrors,
    credentials: files.pullCredentials,
  };
}

/** The problems that the ways in which nodes pull images have with the machine and with the kind configuration. */
function checkPulls({ files, host, rejected }: PlanFacts, { pulls, ports }: PlannedPlaces): readonly Problem[] {
  const { registry } = pulls;
  const { configuration, catalog } = files;
  return [
    ...checkPullConfiguration(pulls, configuration),
    ...(registry === undefined
      ? []
      : [
          ...restingOn(["catalog", "cluster-name", CONFIGURATION_INPUT], rejected, () =>
            checkRegistry(registry, { names: host.names, catalog, plan: pulls }),
          ),
          ...restingOn(["registry-port"], rejected, () => checkRegistryPort(registry, ports, configuration)),
        ]),
  ];
}

function surroundings({ files, takenSubnets = [] }: PlanFacts) {
  return { user: files.configuration, taken: takenSubnets };
}

/** The problems that the places of a run have with the machine and with the inputs. */
export function findConflicts(facts: PlanFacts, places: PlannedPlaces): readonly Problem[] {
  const { shape, ports } = places;
  const { inputs, files, host, rejected } = facts;
  const { torch, extraSans } = inputs;
  const addressInputs = ["api-server-address", CONFIGURATION_INPUT, "torch-endpoint", "torch"];
  const isKnown = ({ source }: HostPort) =>
    source !== "networking.apiServerPort" || !rejected.has("api-server-address");
  return [
    // Without a cluster nothing of it is needed.
    ...restingOn(["install-only"], rejected, () => checkMachine(host)),
    ...checkEngineSite(facts, shape),
    ...checkNames(facts, shape),
    ...checkSans(extraSans),
    ...restingOn([CONFIGURATION_INPUT], rejected, () => checkCniManifests(facts, shape)),
    ...checkPulls(facts, places),
    ...checkBalancer(facts, places),
    ...checkClusters(facts, places),
    ...checkSharedPorts(ports.filter(isKnown), files.configuration),
    ...restingOn([CONFIGURATION_INPUT, "cluster-name", "liqo"], rejected, () =>
      inputs.liqo ? checkLiqo(shape, surroundings(facts)) : [],
    ),
    ...restingOn([CONFIGURATION_INPUT], rejected, () =>
      // `host-gateway` is the gateway of Docker's default network.
      checkSubnets(files.configuration, host.subnets, {
        usesDefaultNetwork: torch?.endpoint === "external",
        chosen: shape.subnets,
      }),
    ),
    ...restingOn([CONFIGURATION_INPUT], rejected, () => checkFamily(files.configuration, host.subnets)),
    ...restingOn(["torch", "torch-package-cache"], rejected, () => (torch === undefined ? [] : checkCachePlace(torch))),
    ...restingOn(addressInputs, rejected, () => (torch === undefined ? [] : checkEndpoint(torch, shape, host.engine))),
  ];
}

function checkBalancer({ inputs, files, host, rejected }: PlanFacts, { loadBalancer }: PlannedPlaces) {
  if (loadBalancer === undefined) return [];
  const { catalog } = files;
  return restingOn(["catalog", "cluster-name", CONFIGURATION_INPUT, "existing"], rejected, () =>
    checkLoadBalancer(loadBalancer, { names: host.names, catalog, existing: inputs.existing }),
  );
}

/** What the clusters of earlier steps have in common with this step's, whose name and user are known. */
function checkClusters({ inputs, files, rejected }: PlanFacts, { shape, credentials }: PlannedPlaces) {
  const nameInputs = inputs.clusterName === undefined ? ["cluster-name", CONFIGURATION_INPUT] : [];
  return restingOn([...nameInputs, "user"], rejected, () =>
    checkEarlierClusters(shape.name, credentials, files.torchClusters ?? []),
  );
}

/** Everything on this machine that has a name of this cluster. */
function checkNames({ inputs, host, rejected }: PlanFacts, shape: ClusterShape): readonly Problem[] {
  const nameInputs = inputs.clusterName === undefined ? ["cluster-name", CONFIGURATION_INPUT] : [];
  const nodeInputs = [...nameInputs, CONFIGURATION_INPUT, "control-planes", "workers"];
  return [
    ...restingOn([...nameInputs, "existing"], rejected, () =>
      inputs.existing === "fail" ? checkPresentCluster(shape, host) : [],
    ),
    ...restingOn(nameInputs, rejected, () => checkForeignLabels(shape, host)),
    ...restingOn(nodeInputs, rejected, () => checkHeldNames(shape, host)),
  ];
}
