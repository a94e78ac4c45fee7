import type { IssuedCredentials } from "../credentials/issue.ts";
import type { Inputs } from "../inputs/inputs.ts";
import { liqoRows } from "../liqo/plan.ts";
import { loadBalancerRows } from "../load-balancer/plan.ts";
import { describeReadiness, type Plan } from "../plan/plan.ts";
import { clusterSubnets } from "../plan/subnets.ts";
import { pullRows } from "../pulls/plan.ts";
import type { UploadedArtifact } from "../runner/artifact.ts";
import type { Cluster } from "../stages/cluster.ts";
import type { LoadedImage } from "../stages/images.ts";
import type { Pins, Tools } from "../stages/preparation.ts";
import type { RunningTorch } from "../stages/torch.ts";
import type { Phase } from "../timeline.ts";
import { contextName, internalEndpoint } from "../values/nodes.ts";
import type { Report, TorchReport } from "./content.ts";
import type { Outputs } from "./outputs.ts";

/** What a run that succeeded leaves for later steps and for the reader. */
export interface Results {
  readonly outputs: Outputs;
  readonly report: Report;
}

/** What a run has made, beyond what its plan says. The private key is not among it. */
export interface Made {
  readonly tools: Tools;
  readonly pins: Pins;
  readonly cluster: Cluster;
  readonly credentials: IssuedCredentials;
  /** The images that were loaded into every node. */
  readonly loaded: readonly LoadedImage[];
  readonly torch: RunningTorch | undefined;
  readonly artifact: UploadedArtifact | undefined;
  /** The proxies that the job's environment sets, without passwords. */
  readonly proxies: readonly string[];
  readonly phases: readonly Phase[];
}

/** The outputs and the report of a run. */
export function describeResults(inputs: Inputs, plan: Plan, made: Made): Results {
  return { outputs: listOutputs(plan, made), report: makeReport(inputs, plan, made) };
}

function listOutputs(plan: Plan, made: Made): Outputs {
  const { shape, versions, credentials: paths } = plan;
  const { tools, pins, cluster, credentials, artifact, torch } = made;
  return {
    "cluster-name": shape.name,
    "kubernetes-version": versions.kubernetes,
    "kind-version": versions.kind,
    "kubectl-version": versions.kubectl,
    "node-image": pins.get(versions.nodeImage) ?? versions.nodeImage,
    "kind-path": tools.kind,
    "kubectl-path": tools.kubectl,
    kubeconfig: cluster.kubeconfig,
    context: contextName(shape.name),
    endpoint: internalEndpoint(shape.name, shape.nodes),
    "endpoint-external": cluster.server,
    "ca-certificate": credentials.ca,
    "ca-certificate-path": paths.ca,
    "client-certificate": credentials.certificate,
    "client-certificate-path": paths.certificate,
    "client-key-path": paths.privateKey,
    "user-kubeconfig": paths.userKubeconfig,
    "credentials-directory": paths.directory,
    "artifact-name": artifact?.name ?? "",
    "artifact-id": artifact?.id ?? "",
    "artifact-url": artifact?.url ?? "",
    registry: plan.pulls.registry?.address ?? "",
    "pod-subnet": subnetsOf(plan, "podSubnet"),
    "service-subnet": subnetsOf(plan, "serviceSubnet"),
    "torch-dashboard-url": torch?.urls.dashboard ?? "",
    "torch-engine-url": torch?.urls.engine ?? "",
    "torch-broker-url": torch?.urls.services ?? "",
    "torch-package-cache-key": torch?.packages?.key ?? "",
  };
}

function subnetsOf({ shape, configuration }: Plan, field: "podSubnet" | "serviceSubnet"): string {
  return shape.subnets?.[field] ?? clusterSubnets(configuration, field).join(",");
}

function makeReport({ user, rbac, liqo }: Inputs, plan: Plan, made: Made): Report {
  const { shape, versions, credentials: paths } = plan;
  return {
    cluster: shape.name,
    versions,
    origins: made.tools.origins,
    nodes: shape.nodes.map((node) => node.name),
    nodeImages: plan.nodeImages.map((image) => made.pins.get(image) ?? image),
    cniManifests: plan.cniManifests,
    loaded: made.loaded,
    proxies: made.proxies,
    endpoint: internalEndpoint(shape.name, shape.nodes),
    endpointExternal: made.cluster.server,
    readiness: describeReadiness(plan),
    pulls: pullRows(plan.pulls),
    loadBalancer: loadBalancerRows(plan.loadBalancer, versions.kubernetes),
    liqo: liqoRows(liqo, shape),
    user,
    rbac,
    certificateExpires: made.credentials.notAfter,
    files: [
      { name: "ca.crt", what: "the cluster's CA", path: paths.ca },
      { name: `${user}-signed.crt`, what: "the user's certificate", path: paths.certificate },
      { name: `${user}.key`, what: "the user's private key", path: paths.privateKey },
      { name: `${user}.kubeconfig`, what: "a kubeconfig that refers to the three", path: paths.userKubeconfig },
    ],
    torch: made.torch === undefined ? undefined : describeTorch(made.torch),
    artifact: made.artifact ?? "none",
    phases: made.phases,
  };
}

function describeTorch({ urls, images, processes, deployed, packages }: RunningTorch): TorchReport {
  return {
    dashboard: urls.dashboard,
    engine: urls.engine,
    broker: urls.services,
    images,
    processes: processes.length,
    deployed,
    packages: packages?.text,
  };
}
