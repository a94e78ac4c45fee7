import { join } from "node:path";
import { readFailCgroupV1 } from "../cluster/config/cgroup.ts";
import { CONFIGURATION_INPUT, type UserConfiguration } from "../cluster/config/read.ts";
import { type ClusterShape, planShape } from "../cluster/config/shape.ts";
import { checkPatchLabels } from "../cluster/config/unused.ts";
import { type BootMode, planBoot } from "../cluster/fast-boot/plan.ts";
import { findHostPorts } from "../cluster/kind.ts";
import { type CredentialPaths, credentialPaths } from "../credentials/files.ts";
import type { Problem } from "../errors.ts";
import { planLimits } from "../host/inotify.ts";
import type { Host } from "../host/inspect.ts";
import type { HostPort } from "../host/ports.ts";
import type { InputFiles } from "../inputs/files.ts";
import type { Folders, Inputs } from "../inputs/inputs.ts";
import type { ToolRequest } from "../tools/install.ts";
import { type ToolName, toolSource } from "../tools/sources.ts";
import { applyTorchEndpoint, checkEndpoint } from "../torch/endpoint.ts";
import { planTorch, type TorchPlan } from "../torch/plan.ts";
import type { Checksums } from "../versions/catalog.ts";
import { resolveVersions, type Versions } from "../versions/resolve.ts";
import { checkSans } from "./credentials.ts";
import { checkMachine } from "./machine.ts";
import { checkForeignLabels, checkHeldNames, checkPresentCluster } from "./names.ts";
import { type Rejected, restingOn } from "./rejected.ts";
import { checkSharedPorts } from "./shared-ports.ts";
import { checkSubnets, warnAboutSubnets } from "./subnets.ts";

/** What of a run has a place on this machine, whatever the versions are. */
export interface PlannedPlaces {
  readonly runDirectory: string;
  readonly shape: ClusterShape;
  /** The user's, where the places of its fields are. */
  readonly configuration: UserConfiguration | undefined;
  readonly ports: readonly HostPort[];
  readonly credentials: CredentialPaths;
  /** TORCH-V2's boot; `undefined` where none is asked for. */
  readonly torch: TorchPlan | undefined;
}

/** Everything that a run will do, decided before it does anything. */
export interface Plan extends PlannedPlaces {
  readonly versions: Versions;
  /** How the first try boots faster; a second one goes kind's plain way. */
  readonly boot: BootMode;
  readonly kind: ToolRequest;
  readonly kubectl: ToolRequest;
  /** Images to have before the create, under exactly the references that kind looks for. */
  readonly images: readonly string[];
  /** Those of the nodes among them. */
  readonly nodeImages: readonly string[];
  readonly limits: ReturnType<typeof planLimits>;
  /** False: only the API server, RBAC and the default service account are waited for. */
  readonly waitForWhole: boolean;
  readonly artifactName: string;
  readonly logsArtifactName: string;
  /** What works and may not be meant; the versions have their own. */
  readonly warnings: readonly string[];
}

/** What a plan is made from. */
export interface PlanFacts {
  readonly inputs: Inputs;
  readonly files: InputFiles;
  readonly host: Host;
  /** What was rejected before: the defaults in its place are not the user's, and nothing is refused for them. */
  readonly rejected: Rejected;
  readonly folders: Folders;
  /** Tells this run's folder from another run's. */
  readonly runId: string;
  readonly artifactNameFor: (prefix: string, cluster: string) => string;
}

/** A run, decided. */
export type Planned =
  | { readonly plan: Plan; readonly places: PlannedPlaces }
  | { readonly problems: readonly Problem[]; readonly places: PlannedPlaces };

/** Decides a run. @returns the plan, or every problem that inputs, files and machine have with each other. */
export function planRun(facts: PlanFacts): Planned {
  const { inputs, files, host, rejected, artifactNameFor } = facts;
  const places = planPlaces(facts);
  const { shape } = places;
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
      failCgroupV1: readFailCgroupV1(files.configuration),
    },
    files.catalog,
    host.engine instanceof Error ? undefined : host.engine.cgroupVersion,
    rejected,
  );
  if (!resolution.ok) problems.push(...resolution.problems);
  const known = resolution.ok && !rejected.has("kind-version") ? resolution.versions : undefined;
  problems.push(...checkPatchLabels(files.configuration, shape, known));
  problems.push(...checkPlaces(facts, places));
  if (problems.length > 0 || !resolution.ok) return { problems, places };

  const { versions } = resolution;
  const severalControlPlanes = shape.nodes.filter((node) => node.role === "control-plane").length > 1;
  const configuredImages = (files.configuration?.nodes ?? []).flatMap((node) =>
    typeof node.image === "string" ? [node.image] : [],
  );
  // An image from elsewhere may hold other control-plane images than its version promises.
  const listed = new Set(files.catalog.kind.flatMap(({ images }) => images.map(({ image }) => image)));
  const foreignImages = [...configuredImages, ...(inputs.nodeImage === undefined ? [] : [inputs.nodeImage])].filter(
    (image) => !listed.has(image),
  );
  const everyNodeHasImage = configuredImages.length > 0 && configuredImages.length === shape.nodes.length;
  const nodeImages = [...new Set([...configuredImages, ...(everyNodeHasImage ? [] : [versions.nodeImage])])];
  const tool = (name: ToolName, version: string, mirror: string | undefined): ToolRequest => {
    const releases: readonly { readonly version: string; readonly checksums: Checksums }[] = files.catalog[name];
    return {
      tool: name,
      version,
      nodeArchitecture: host.nodeArchitecture,
      source: toolSource(name, version, host.architecture, mirror),
      checksum: releases.find((release) => release.version === version)?.checksums[`linux-${host.architecture}`],
    };
  };
  return {
    places,
    plan: {
      ...places,
      versions,
      boot:
        foreignImages.length > 0
          ? { plainBecause: `the catalog does not list the node image ${foreignImages[0]}` }
          : planBoot(shape, files.configuration, versions.kubernetes),
      kind: tool("kind", versions.kind, inputs.kindMirror),
      kubectl: tool("kubectl", versions.kubectl, inputs.kubectlMirror),
      nodeImages,
      images: [
        ...new Set([
          ...nodeImages,
          ...(severalControlPlanes && versions.loadBalancerImage !== undefined ? [versions.loadBalancerImage] : []),
        ]),
      ],
      limits: planLimits(host.limits, {
        "fs.inotify.max_user_watches": inputs.inotifyMaxUserWatches,
        "fs.inotify.max_user_instances": inputs.inotifyMaxUserInstances,
      }),
      waitForWhole: shape.defaultCni && inputs.waitSeconds > 0,
      artifactName: inputs.artifactName ?? artifactNameFor("kind-credentials", shape.name),
      // Two calls of one reusable workflow have the same job: a name that tells the one from the other tells their logs too.
      logsArtifactName:
        inputs.artifactName === undefined ? artifactNameFor("kind-logs", shape.name) : `${inputs.artifactName}-logs`,
      warnings: warnAboutSubnets(files.configuration, host.subnets),
    },
  };
}

function planPlaces({ inputs, files, host, folders, runId }: PlanFacts): PlannedPlaces {
  const applied = applyTorchEndpoint(inputs, files.configuration, host.defaultGateway);
  const planned = planShape(applied, files.configuration);
  const chosen = inputs.apiServerAddress === undefined && applied.apiServerAddress !== undefined;
  const shape = chosen ? { ...planned, addressField: { input: "torch-endpoint", value: "external" } } : planned;
  const runDirectory = join(folders.temp, `kind-torch-${shape.name}-${runId}`);
  return {
    shape,
    configuration: files.configuration,
    runDirectory,
    ports: findHostPorts(files.configuration, shape.apiServerAddress),
    credentials: credentialPaths(inputs.credentialsDirectory ?? join(runDirectory, "credentials"), inputs.user),
    torch: inputs.torch === undefined ? undefined : planTorch(inputs.torch, shape.name, runId, runDirectory),
  };
}

/** What the machine, and the inputs with each other, have against the places of a plan. */
function checkPlaces({ inputs, files, host, rejected }: PlanFacts, { shape, ports }: PlannedPlaces) {
  const { torch, existing, extraSans } = inputs;
  const nameInputs = inputs.clusterName === undefined ? ["cluster-name", CONFIGURATION_INPUT] : [];
  const nodeInputs = [...nameInputs, CONFIGURATION_INPUT, "control-planes", "workers"];
  const known = !rejected.has("api-server-address");
  const addressInputs = ["api-server-address", CONFIGURATION_INPUT, "torch-endpoint", "torch"];
  return [
    ...checkMachine(host),
    ...restingOn([...nameInputs, "existing"], rejected, () =>
      existing === "fail" ? checkPresentCluster(shape, host) : [],
    ),
    ...restingOn(nameInputs, rejected, () => checkForeignLabels(shape, host)),
    ...restingOn(nodeInputs, rejected, () => checkHeldNames(shape, host)),
    ...checkSans(extraSans),
    ...checkSharedPorts(
      ports.filter(({ source }) => known || source !== "networking.apiServerPort"),
      files.configuration,
    ),
    ...restingOn([CONFIGURATION_INPUT], rejected, () =>
      // `host-gateway` is the gateway of Docker's default network.
      checkSubnets(files.configuration, host.subnets, torch?.endpoint === "external"),
    ),
    ...restingOn(addressInputs, rejected, () => (torch === undefined ? [] : checkEndpoint(torch, shape, host.engine))),
  ];
}

/** What the cluster is waited for. */
export function describeReadiness(plan: Plan): string {
  if (plan.waitForWhole) return "every node, CoreDNS and the default service account";
  const why = plan.shape.defaultCni ? "wait: 0s" : "disableDefaultCNI";
  return `API server, RBAC and the default service account only (${why}): nodes and CoreDNS were not waited for`;
}
