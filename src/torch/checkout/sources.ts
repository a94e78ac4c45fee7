import { enginePath } from "../../docker/engine-paths.ts";
import { type EngineSite, sharesPorts } from "../../docker/site.ts";
import type { Problem } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { HostPort } from "../../host/ports.ts";
import { credentialsPlaceOf, type TorchCluster } from "../clusters/cluster.ts";
import { checkCredentialsPlace } from "../compose/credentials-place.ts";
import { checkEnginePaths } from "../compose/engine-paths.ts";
import { listHostAccess } from "../compose/host-access.ts";
import { findHostPlaces } from "../compose/host-places.ts";
import { checkHostAccess } from "../compose/mounts.ts";
import type { TorchPlan } from "../plan.ts";
import { type Builder, findBuilder } from "../stack/builder.ts";
import type { ClusterAccess } from "../template/point-at-cluster.ts";
import { readPlans } from "./bpmn-plans.ts";
import type { CheckedCheckout, Checkout } from "./checkout.ts";
import { checkNames, checkPorts, checkSharedPorts } from "./claims.ts";
import { readCheckout } from "./read.ts";
import { readTemplate, type Template } from "./template.ts";

/** What a boot is made from, read and checked. */
export interface TorchSources {
  readonly checkout: CheckedCheckout;
  /** The template to deploy. */
  readonly template: Template | undefined;
  readonly builder: Builder;
  /** What is not wrong, but is worth a line in the log. */
  readonly warnings: readonly string[];
}

/** What the sources are checked against. */
export interface SourcesRequest {
  readonly plan: TorchPlan;
  readonly workspace: string;
  /** Where the template's Cluster nodes will point, by cluster; an address that is not known yet is at its longest. */
  readonly access: ReadonlyMap<string, ClusterAccess>;
  /** Whether what is left of an older cluster of this name, and of its TORCH-V2, is removed first: it may have the same ports and names. */
  readonly replaces: boolean;
  /** The host ports that the cluster itself publishes. */
  readonly clusterPorts: readonly HostPort[];
  readonly environment: NodeJS.ProcessEnv;
  readonly site: EngineSite;
}

/** Reads the checkout and the template, and reports all that is wrong with them and with their places on this machine. */
export async function readSources(
  request: SourcesRequest,
  exec: Exec,
): Promise<{ readonly sources: TorchSources } | { readonly problems: readonly Problem[] }> {
  const { plan } = request;
  const [builder, checked, template] = await Promise.all([
    findBuilder(request.environment, exec),
    readAndCheck(request, exec),
    plan.csar === undefined ? undefined : readTemplate(plan.csar, plan.root, request),
  ]);
  const { checkout, warnings } = checked;
  const problems = [
    ...("input" in builder ? [builder] : []),
    ...checked.problems,
    ...(template !== undefined && "problem" in template ? [template.problem] : []),
  ];
  if (checkout === undefined || "input" in builder || (template !== undefined && "problem" in template)) {
    return { problems };
  }
  if (problems.length > 0) return { problems };
  return { sources: { checkout, template, builder, warnings: [...warnings, ...(template?.warnings ?? [])] } };
}

/** A checkout, and what was found when it was checked; `undefined` if it cannot be used. */
interface CheckResult {
  readonly checkout: CheckedCheckout | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

async function readAndCheck(request: SourcesRequest, exec: Exec): Promise<CheckResult> {
  const { plan, replaces, clusterPorts, site } = request;
  const read = await readCheckout(plan.root, plan.layout, exec);
  if ("problems" in read) return { checkout: undefined, problems: read.problems, warnings: [] };
  const { checkout } = read;
  const plans = await readPlans(checkout.plans);
  const { problems, warnings } = await checkPlaces(checkout, request);
  return {
    checkout: "problems" in plans ? undefined : { ...checkout, planBytes: plans.bytes },
    problems: [
      ...("problems" in plans ? plans.problems : []),
      ...problems,
      ...checkSharedPorts(checkout, clusterPorts),
      ...(replaces
        ? []
        : [...(sharesPorts(site) ? await checkPorts(checkout) : []), ...(await checkNames(plan.containers, exec))]),
    ],
    warnings,
  };
}

/** What the compose files ask of this machine, and whether they or the images would get the credentials. */
async function checkPlaces(checkout: Checkout, { environment, workspace, plan, site }: SourcesRequest) {
  const { clusters } = plan;
  const places = await findHostPlaces(environment, [checkout.root, workspace]);
  const host = await checkHostAccess(listHostAccess(checkout), places);
  const misplaced = await Promise.all(
    clusters.map((cluster) => checkCredentialsPlace(checkout, credentialsPlaceOf(cluster), host.mounts)),
  );
  return {
    problems: [
      ...host.problems,
      ...checkEnginePaths(host.mounts, [...places.own, ...(places.workspace ?? [])], site),
      ...misplaced.flat(),
      ...clusters.flatMap((cluster) => checkCredentialsMount(cluster, site)),
    ],
    warnings: host.warnings,
  };
}

/** The service layer mounts the credentials, which must be where the engine's machine has them. */
function checkCredentialsMount(cluster: TorchCluster, site: EngineSite): readonly Problem[] {
  const { directory } = cluster.files;
  if (site.kind !== "container" || enginePath(site, directory) !== undefined) return [];
  return [
    {
      input: credentialsPlaceOf(cluster).input,
      value: directory,
      reason: `is in the file system of this job's container, ${site.name}, and TORCH-V2's service layer cannot mount it from there`,
      allowed: "a directory in a volume of the job's container",
      fix:
        cluster.earlier === undefined
          ? "name a directory in the workspace, outside of what TORCH-V2's images are built from"
          : "mount the runner's temporary folder into the job's container, as GitHub's runner does",
    },
  ];
}
