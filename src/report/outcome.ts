import type { IssuedCredentials } from "../credentials/issue.ts";
import type { Inputs } from "../inputs/inputs.ts";
import { describeReadiness, type Plan } from "../plan/plan.ts";
import type { UploadedArtifact } from "../runner/artifact.ts";
import type { Outputs } from "../runner/outputs.ts";
import type { BootedTorch } from "../stages/torch.ts";
import type { Phase } from "../timeline.ts";
import { contextName, internalEndpoint } from "../values/nodes.ts";
import type { Report, TorchReport } from "./summary.ts";

/** What a run that came to its end leaves for later steps and for the reader. */
export interface Outcome {
  readonly outputs: Outputs;
  readonly report: Report;
}

/** What a run has made, beyond what its plan says. */
export interface Made extends IssuedCredentials {
  readonly kind: string;
  readonly kubectl: string;
  readonly origins: { readonly kind: string; readonly kubectl: string };
  readonly kubeconfig: string;
  /** Each image by its reference, with its digest where one is known. */
  readonly pins: ReadonlyMap<string, string>;
  /** The proxies that the job's environment sets, without passwords. */
  readonly proxies: readonly string[];
  /** The endpoint on the host. */
  readonly server: string;
  readonly artifact: UploadedArtifact | undefined;
  readonly torch: BootedTorch | undefined;
  readonly phases: readonly Phase[];
}

/** The outputs and the report of a run. */
export function describeOutcome(inputs: Inputs, plan: Plan, made: Made): Outcome {
  const { shape, versions, credentials } = plan;
  const { artifact } = made;
  const endpoint = internalEndpoint(shape.name, shape.nodes);
  return {
    outputs: {
      "cluster-name": shape.name,
      "kubernetes-version": versions.kubernetes,
      "kind-version": versions.kind,
      "kubectl-version": versions.kubectl,
      "node-image": made.pins.get(versions.nodeImage) ?? versions.nodeImage,
      "kind-path": made.kind,
      "kubectl-path": made.kubectl,
      kubeconfig: made.kubeconfig,
      context: contextName(shape.name),
      endpoint,
      "endpoint-external": made.server,
      "ca-certificate": made.ca,
      "ca-certificate-path": credentials.ca,
      "client-certificate": made.certificate,
      "client-certificate-path": credentials.certificate,
      "client-key-path": credentials.privateKey,
      "user-kubeconfig": credentials.userKubeconfig,
      "credentials-directory": credentials.directory,
      "artifact-name": artifact?.name ?? "",
      "artifact-id": artifact?.id ?? "",
      "artifact-url": artifact?.url ?? "",
      "torch-dashboard-url": made.torch?.urls.dashboard ?? "",
      "torch-engine-url": made.torch?.urls.engine ?? "",
      "torch-broker-url": made.torch?.urls.services ?? "",
    },
    report: {
      cluster: shape.name,
      versions,
      origins: made.origins,
      nodes: shape.nodes.map((node) => node.name),
      nodeImages: plan.nodeImages.map((image) => made.pins.get(image) ?? image),
      proxies: made.proxies,
      endpoint,
      endpointExternal: made.server,
      readiness: describeReadiness(plan),
      user: inputs.user,
      rbac: inputs.rbac,
      certificateExpires: made.notAfter,
      files: [
        { name: "ca.crt", what: "the cluster's CA", path: credentials.ca },
        { name: `${inputs.user}-signed.crt`, what: "the user's certificate", path: credentials.certificate },
        { name: `${inputs.user}.key`, what: "the user's private key", path: credentials.privateKey },
        {
          name: `${inputs.user}.kubeconfig`,
          what: "a kubeconfig that refers to the three",
          path: credentials.userKubeconfig,
        },
      ],
      torch: made.torch === undefined ? undefined : describeTorch(made.torch),
      artifact: artifact ?? "none",
      phases: made.phases,
    },
  };
}

function describeTorch({ urls, processes, deployed }: BootedTorch): TorchReport {
  return {
    dashboard: urls.dashboard,
    engine: urls.engine,
    broker: urls.services,
    processes: processes.length,
    deployed,
  };
}
