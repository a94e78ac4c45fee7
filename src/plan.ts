import { join } from "node:path";
import { type Acceleration, planAcceleration } from "./cluster/acceleration.ts";
import { findHostPorts } from "./cluster/kind.ts";
import { type ClusterShape, planShape } from "./cluster/shape.ts";
import { type CredentialPaths, credentialPaths } from "./credentials/files.ts";
import { Failure, type Problem } from "./failure.ts";
import { planLimits } from "./host/limits.ts";
import type { HostPort } from "./host/ports.ts";
import type { Survey } from "./host/survey.ts";
import type { InputFiles } from "./inputs/files.ts";
import type { Folders, Inputs } from "./inputs/inputs.ts";
import type { ToolRequest } from "./tools/install.ts";
import { type ToolName, toolSource } from "./tools/sources.ts";
import { applyTorchEndpoint, checkEndpoint } from "./torch/endpoint.ts";
import { planTorch, type TorchPlan } from "./torch/plan.ts";
import type { Checksums } from "./versions/catalog.ts";
import { resolveVersions, type Versions } from "./versions/resolve.ts";

/** Everything that a run will do, decided before it does anything. */
export interface Plan {
  readonly runDirectory: string;
  readonly shape: ClusterShape;
  readonly versions: Versions;
  /** How the first try boots faster; a second one goes kind's plain way. */
  readonly acceleration: Acceleration | undefined;
  readonly kind: ToolRequest;
  readonly kubectl: ToolRequest;
  /** Images to have before the create, under exactly the references that kind looks for. */
  readonly images: readonly string[];
  readonly limits: ReturnType<typeof planLimits>;
  readonly ports: readonly HostPort[];
  readonly credentials: CredentialPaths;
  /** False: only the API server, RBAC and the default service account are waited for. */
  readonly waitForWhole: boolean;
  readonly artifactName: string;
  readonly logsArtifactName: string;
  /** TORCH-V2's boot; `undefined` where none is asked for. */
  readonly torch: TorchPlan | undefined;
}

/** A node image and its layers unpacked take about this much; less than it free ends in a half-written image. */
const NEEDED_DISK_BYTES = 2 * 1024 ** 3;

/** What a plan is made from. */
export interface PlanFacts {
  readonly inputs: Inputs;
  readonly files: InputFiles;
  readonly survey: Survey;
  readonly folders: Folders;
  /** Tells this run's folder from another run's. */
  readonly runId: string;
  readonly artifactNameFor: (prefix: string, cluster: string) => string;
}

/** Decides a run. @returns the plan, or every problem that inputs, files and machine have with each other. */
export function planRun({
  inputs,
  files,
  survey,
  folders,
  runId,
  artifactNameFor,
}: PlanFacts): { readonly plan: Plan } | { readonly problems: readonly Problem[] } {
  const shape = planShape(applyTorchEndpoint(inputs, files.configuration, survey.defaultGateway), files.configuration);
  const problems: Problem[] = [...shape.problems];

  const resolution = resolveVersions(
    {
      kubernetes: inputs.kubernetesVersion,
      kind: inputs.kindVersion,
      kubectl: inputs.kubectlVersion,
      nodeImage: inputs.nodeImage,
      configuredImages: (files.configuration?.nodes ?? []).map((node) => ({
        controlPlane: node.role !== "worker",
        image: typeof node.image === "string" ? node.image : undefined,
      })),
    },
    files.catalog,
    survey.engine instanceof Error ? undefined : survey.engine.cgroupVersion,
  );
  if (!resolution.ok) problems.push(...resolution.problems);
  problems.push(...checkMachine(inputs, shape, survey));
  if (inputs.torch !== undefined) problems.push(...checkEndpoint(inputs.torch, shape.apiServerAddress));
  if (problems.length > 0 || !resolution.ok) return { problems };

  const { versions } = resolution;
  const runDirectory = join(folders.temp, `kind-torch-${shape.name}-${runId}`);
  const severalControlPlanes = shape.nodes.filter((node) => node.role === "control-plane").length > 1;
  const configuredImages = (files.configuration?.nodes ?? []).flatMap((node) =>
    typeof node.image === "string" ? [node.image] : [],
  );
  const everyNodeHasImage = configuredImages.length > 0 && configuredImages.length === shape.nodes.length;
  const tool = (name: ToolName, version: string, mirror: string | undefined): ToolRequest => {
    const releases: readonly { readonly version: string; readonly checksums: Checksums }[] = files.catalog[name];
    return {
      tool: name,
      version,
      nodeArchitecture: survey.nodeArchitecture,
      source: toolSource(name, version, survey.architecture, mirror),
      checksum: releases.find((release) => release.version === version)?.checksums[`linux-${survey.architecture}`],
    };
  };
  return {
    plan: {
      runDirectory,
      shape,
      versions,
      // An image from elsewhere may hold other control-plane images than its version promises.
      acceleration:
        configuredImages.length > 0 || inputs.nodeImage !== undefined
          ? undefined
          : planAcceleration(shape, files.configuration, versions.kubernetes),
      kind: tool("kind", versions.kind, inputs.kindMirror),
      kubectl: tool("kubectl", versions.kubectl, inputs.kubectlMirror),
      images: [
        ...new Set([
          ...configuredImages,
          ...(everyNodeHasImage ? [] : [versions.nodeImage]),
          ...(severalControlPlanes && versions.loadBalancerImage !== undefined ? [versions.loadBalancerImage] : []),
        ]),
      ],
      limits: planLimits(survey.limits, {
        "fs.inotify.max_user_watches": inputs.inotifyMaxUserWatches,
        "fs.inotify.max_user_instances": inputs.inotifyMaxUserInstances,
      }),
      ports: [
        // Whatever the port, the address must be one of this machine.
        { address: shape.apiServerAddress, port: 0, source: "api-server-address" },
        ...findHostPorts(files.configuration, shape.apiServerAddress),
      ],
      credentials: credentialPaths(inputs.credentialsDirectory ?? join(runDirectory, "credentials"), inputs.user),
      waitForWhole: shape.defaultCni && inputs.waitSeconds > 0,
      artifactName: inputs.artifactName ?? artifactNameFor("kind-credentials", shape.name),
      // Two calls of one reusable workflow have the same job: a name that tells the one from the other tells their logs too.
      logsArtifactName:
        inputs.artifactName === undefined ? artifactNameFor("kind-logs", shape.name) : `${inputs.artifactName}-logs`,
      torch: inputs.torch === undefined ? undefined : planTorch(inputs.torch, shape.name, runId, runDirectory),
    },
  };
}

/** What the cluster is waited for. */
export function describeReadiness(plan: Plan): string {
  if (plan.waitForWhole) return "every node, CoreDNS and the default service account";
  const why = plan.shape.defaultCni ? "wait: 0s" : "disableDefaultCNI";
  return `API server, RBAC and the default service account only (${why}): nodes and CoreDNS were not waited for`;
}

/** What the machine lacks for these inputs, as plainly as a bad input is said. */
function checkMachine(inputs: Inputs, shape: ClusterShape, survey: Survey): readonly Problem[] {
  const problems: Problem[] = [];
  if (survey.platform !== "linux" || !["amd64", "arm64"].includes(survey.architecture)) {
    problems.push({
      input: "runs-on",
      value: `${survey.platform} ${survey.architecture}`,
      reason: "is no machine that kind's nodes run on",
      allowed: "Linux on amd64 or arm64",
      fix: "use a runner such as ubuntu-latest",
    });
  }
  if (survey.engine instanceof Error) {
    problems.push({
      input: "runs-on",
      value: "Docker Engine",
      reason: survey.engine.message,
      allowed: "a runner with a Docker Engine that this user may use",
      fix: (survey.engine instanceof Failure ? survey.engine.cure : undefined) ?? "look at docker info on this machine",
    });
  }
  const present = survey.containers.filter((container) => container.cluster === shape.name);
  if (present.length > 0 && inputs.existing === "fail") {
    problems.push({
      input: "cluster-name",
      value: shape.name,
      reason: `is the name of a cluster that exists already (${present.map((container) => container.name).join(", ")})`,
      allowed: "a name that is free on this machine",
      fix: "choose another cluster-name, or set existing: replace to delete the old cluster first",
    });
  }
  if (survey.freeDisk !== undefined && survey.freeDisk < NEEDED_DISK_BYTES && !(survey.engine instanceof Error)) {
    problems.push({
      input: "runs-on",
      value: `${(survey.freeDisk / 1024 ** 3).toFixed(1)} GiB free in ${survey.engine.dataRoot}`,
      reason: "is too little disk for a node image",
      allowed: `${NEEDED_DISK_BYTES / 1024 ** 3} GiB or more`,
      fix: "free room in an earlier step (docker system prune --all), or use a runner with a larger disk",
    });
  }
  for (const unspecified of inputs.extraSans.filter((name) => name === "0.0.0.0" || name === "::")) {
    problems.push({
      input: "extra-sans",
      value: unspecified,
      reason: "is an address to listen on, not one to connect to",
      allowed: "names and addresses that clients use",
      fix: "use api-server-address: 0.0.0.0 to listen everywhere, and name the host in extra-sans",
    });
  }
  return problems;
}
