import semver from "semver";
import type { PendingContainer } from "../docker/interrupted.ts";
import { LOAD_BALANCER_RUN_LABEL, RUN_CLUSTER_LABEL } from "../docker/labels.ts";
import { type EngineSite, sharesPorts } from "../docker/site.ts";
import type { CloudProviderImages } from "../versions/catalog.ts";

/** What gives Services of type LoadBalancer their addresses. */
export interface LoadBalancerPlan {
  readonly cluster: string;
  /** The container of the provider, cloud-provider-kind, as Docker is asked to create it. */
  readonly container: PendingContainer;
  /** What proves that the provider, and each load balancer that it starts, is this run's, in the form of Docker's filters. */
  readonly label: string;
  /** The image of the load balancers. */
  readonly proxy: string;
}

/** Plans the provider. @param images the catalog's; `undefined` where it has none, which is refused. */
export function planLoadBalancer(
  cluster: string,
  { runId, images }: { readonly runId: string; readonly images: CloudProviderImages | undefined },
): LoadBalancerPlan {
  const label = `${LOAD_BALANCER_RUN_LABEL}=${cluster}-${runId}`;
  return {
    cluster,
    container: { name: providerName(cluster), image: images?.image ?? "", marks: planMarks(cluster, label) },
    label,
    proxy: images?.proxy ?? "",
  };
}

/** The name of the provider's container. */
export function providerName(cluster: string): string {
  return `${cluster}-cloud-provider`;
}

/** What marks the provider and each load balancer. The cluster's label has `existing: replace` remove them. */
function planMarks(cluster: string, label: string): readonly string[] {
  return [`--label=${label}`, `--label=${RUN_CLUSTER_LABEL}=${cluster}`];
}

/** The images that must be there before the provider starts: it pulls none. */
export function loadBalancerImages(plan: LoadBalancerPlan | undefined): readonly string[] {
  return plan === undefined ? [] : [plan.container.image, plan.proxy];
}

/**
 * Whether Gateways are served, and Ingresses, which become Gateways: for their routes the provider reads ServiceCIDRs, whose
 * API came in this minor (cloud-provider-kind, pkg/gateway/kindcluster.go).
 */
export function servesGateways(kubernetes: string): boolean {
  return semver.gte(kubernetes, "1.33.0-0");
}

/** What works, but not from here. */
export function warnAboutReach(plan: LoadBalancerPlan | undefined, site: EngineSite): readonly string[] {
  if (plan === undefined || site.kind !== "remote" || sharesPorts(site)) return [];
  return [
    `load-balancer: the addresses of Services are in a network of ${site.host}, the machine of Docker Engine. Pods reach them, and this job does not. Fix: ask from a pod, or run the job where Docker Engine runs.`,
  ];
}

/** A row for the summary and the log. */
export function loadBalancerRows(
  plan: LoadBalancerPlan | undefined,
  kubernetes: string,
): readonly (readonly [string, string])[] {
  if (plan === undefined) return [];
  const what = servesGateways(kubernetes)
    ? "Services of type LoadBalancer, Gateways and Ingresses (class cloud-provider-kind)"
    : "Services of type LoadBalancer";
  return [["Load balancers", `${what} get an address in kind's Docker network`]];
}
