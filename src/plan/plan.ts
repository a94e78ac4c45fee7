import { readFailCgroupV1 } from "../cluster/config/cgroup.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import { checkPatchLabels } from "../cluster/config/unused.ts";
import type { FastBootPlan } from "../cluster/fast-boot/plan.ts";
import type { Problem } from "../errors.ts";
import { planLimits } from "../host/inotify.ts";
import type { Platform } from "../host/inspect.ts";
import type { InputFiles } from "../inputs/files.ts";
import { loadBalancerImages, warnAboutReach } from "../load-balancer/plan.ts";
import type { ToolRequest } from "../tools/install.ts";
import { type ToolName, toolSource } from "../tools/sources.ts";
import type { Checksums } from "../versions/catalog.ts";
import { type Resolution, resolveVersions, type Versions } from "../versions/resolve.ts";
import type { PlanFacts } from "./facts.ts";
import { chooseBoot, planImages, planNodeImages } from "./images.ts";
import { type LoadPlan, planLoad } from "./load.ts";
import { findConflicts, type PlannedPlaces, planPlaces } from "./places.ts";
import { warnAboutSubnets } from "./subnets.ts";

/** Everything that a run will do, decided before it does anything. */
export interface Plan extends PlannedPlaces {
  readonly versions: Versions;
  /** How the first try boots faster; a second one boots as kind does. */
  readonly boot: FastBootPlan;
  readonly kind: ToolRequest;
  readonly kubectl: ToolRequest;
  /** The images that must be there before the create, under exactly the references that kind looks for. */
  readonly images: readonly string[];
  /** Those of the nodes among them. */
  readonly nodeImages: readonly string[];
  /** The images that are loaded into the nodes; `undefined` where none is asked for. */
  readonly load: LoadPlan | undefined;
  readonly limits: ReturnType<typeof planLimits>;
  /** What is waited for: all nodes and CoreDNS, or only the API server, RBAC and the default service account. */
  readonly readiness: "full" | "api-server";
  /** The manifests of the user's network plugin; empty where it is kind's own, or none. */
  readonly cniManifests: readonly string[];
  readonly artifactName: string;
  readonly logsArtifactName: string;
  /** What works but may be a mistake; the versions have warnings of their own. */
  readonly warnings: readonly string[];
}

/** The decision about a run: a plan, or what is wrong. */
export type Planned =
  | { readonly plan: Plan; readonly places: PlannedPlaces }
  | { readonly problems: readonly Problem[]; readonly places: PlannedPlaces };

/** Decides a run. @returns the plan, or every problem that inputs, files and machine have with each other. */
export function planRun(facts: PlanFacts): Planned {
  const { files, rejected } = facts;
  const places = planPlaces(facts);
  const resolution = chooseVersions(facts);
  const known = resolution.ok && !rejected.has("kind-version") ? resolution.versions : undefined;
  const problems = [
    ...places.shape.problems,
    ...(resolution.ok ? [] : resolution.problems),
    ...checkPatchLabels(files.configuration, places.shape, known),
    ...findConflicts(facts, places),
  ];
  if (problems.length > 0 || !resolution.ok) return { problems, places };
  return { plan: completePlan(facts, places, resolution.versions), places };
}

function chooseVersions({ inputs, files, host, rejected }: PlanFacts): Resolution {
  const { engine } = host;
  const requests = {
    kubernetes: inputs.kubernetesVersion,
    kind: inputs.kindVersion,
    kubectl: inputs.kubectlVersion,
    nodeImage: inputs.nodeImage,
    configuredImages: (files.configuration?.nodes ?? []).map(({ role, image }) => ({
      controlPlane: role !== "worker",
      image: typeof image === "string" ? image : undefined,
    })),
    failCgroupV1: readFailCgroupV1(files.configuration),
  };
  return resolveVersions(requests, files.catalog, engine instanceof Error ? undefined : engine.cgroupVersion, rejected);
}

function completePlan(facts: PlanFacts, places: PlannedPlaces, versions: Versions): Plan {
  const { inputs, files, host, artifactNameFor } = facts;
  const { shape } = places;
  const nodeImages = planNodeImages(facts, places, versions);
  return {
    ...places,
    versions,
    boot: chooseBoot(facts, places, versions),
    kind: planTool(facts, "kind", versions.kind, inputs.kindMirror),
    kubectl: planTool(facts, "kubectl", versions.kubectl, inputs.kubectlMirror),
    nodeImages,
    images: [
      ...planImages(nodeImages, places, versions),
      ...registryImages(places),
      ...loadBalancerImages(places.loadBalancer),
    ],
    load: planLoad(facts),
    limits: planLimits(host.limits, {
      "fs.inotify.max_user_watches": inputs.inotifyMaxUserWatches,
      "fs.inotify.max_user_instances": inputs.inotifyMaxUserInstances,
    }),
    readiness: hasNetworkPlugin(shape, inputs) && inputs.waitSeconds > 0 ? "full" : "api-server",
    cniManifests: inputs.cniManifests,
    artifactName: inputs.artifactName ?? artifactNameFor("kind-credentials", shape.name),
    // Two calls of one reusable workflow have the same job: the name that distinguishes them must do so for the logs too.
    logsArtifactName:
      inputs.artifactName === undefined ? artifactNameFor("kind-logs", shape.name) : `${inputs.artifactName}-logs`,
    warnings: [
      ...warnAboutSubnets(files.configuration, host.subnets),
      ...warnAboutReach(places.loadBalancer, host.site),
    ],
  };
}

function registryImages({ pulls: { registry } }: PlannedPlaces): readonly string[] {
  return registry === undefined ? [] : [registry.container.image];
}

/** Where a tool comes from, and the checksum that the catalog has of it. */
export function planTool(
  { files, host }: { readonly files: Pick<InputFiles, "catalog">; readonly host: Platform },
  tool: ToolName,
  version: string,
  mirror: string | undefined,
): ToolRequest {
  const releases: readonly { readonly version: string; readonly checksums: Checksums }[] = files.catalog[tool];
  return {
    tool,
    version,
    nodeArchitecture: host.nodeArchitecture,
    source: toolSource(tool, version, host.architecture, mirror),
    checksum: releases.find((release) => release.version === version)?.checksums[`linux-${host.architecture}`],
  };
}

/** Without a network plugin no node becomes Ready. */
function hasNetworkPlugin({ defaultCni }: ClusterShape, { cniManifests }: Pick<Plan, "cniManifests">): boolean {
  return defaultCni || cniManifests.length > 0;
}

/** What the cluster is waited for. */
export function describeReadiness(plan: Plan): string {
  if (plan.readiness === "full") return "every node, CoreDNS and the default service account";
  const why = hasNetworkPlugin(plan.shape, plan) ? "wait: 0s" : "disableDefaultCNI without cni-manifests";
  return `API server, RBAC and the default service account only (${why}): nodes and CoreDNS were not waited for`;
}
