import type { Application } from "./graph.ts";
import type { PlacedNode } from "./point-at-cluster.ts";
import { notRunningReason, type Workloads } from "./workload.ts";

/** An application, and the cluster that it belongs to; `undefined` where that may be any of the boot's. */
export interface PlacedApplication {
  readonly node: string;
  readonly cluster: string | undefined;
}

/**
 * The applications that are looked for, with the clusters that their locations lead to. One on a federation may be in any;
 * one on a Cluster node that stands for none of the boot's clusters is not looked for: nothing here knows that cluster.
 * @param nodes the template's Cluster nodes, and those that stand for the boot's clusters.
 */
export function placeApplications(
  applications: readonly Application[],
  { nodes, placed }: { readonly nodes: readonly string[]; readonly placed: readonly PlacedNode[] },
): readonly PlacedApplication[] {
  return applications.flatMap(({ name, location }) => {
    const cluster = placed.find(({ node }) => node === location)?.cluster;
    const isElsewhere = cluster === undefined && location !== undefined && nodes.includes(location);
    return isElsewhere ? [] : [{ node: name, cluster }];
  });
}

/**
 * Why the applications do not all run yet, each in its own cluster; `undefined` once they do.
 * @param now the time, in milliseconds.
 */
export function lackingApplications(
  workloads: Workloads,
  applications: readonly PlacedApplication[],
  now: number,
): string | undefined {
  const several = workloads.size > 1;
  const anywhere = applications.filter(({ cluster }) => cluster === undefined).map(({ node }) => node);
  const deployed = new Set(
    [...workloads.values()].flatMap(({ deployments }) => deployments.map(({ metadata }) => metadata.name)),
  );
  const nowhere = anywhere.filter((node) => !deployed.has(`${node}-deployment`));
  const reasons = [...workloads].flatMap(([cluster, workload]) => {
    const own = applications.filter((application) => application.cluster === cluster).map(({ node }) => node);
    const reason = notRunningReason(workload, own, now);
    if (reason === undefined) return [];
    return [several ? `in the cluster ${cluster} ${reason}` : reason];
  });
  const missing = nowhere.length === 0 ? [] : [`there is no Deployment of ${nowhere.join(", ")}`];
  const lacking = [...missing, ...reasons];
  return lacking.length === 0 ? undefined : lacking.join("; ");
}
