import type { Kubectl } from "../../cluster/kubectl.ts";
import type { Exec } from "../../exec.ts";
import type { Log } from "../../runner/log.ts";
import type { Timeline } from "../../timeline.ts";
import type { PerComponent } from "../components.ts";
import type { Csar } from "./csar.ts";
import type { ClusterAccess, PlacedNode } from "./point-at-cluster.ts";

/** A template to deploy through TORCH-V2, and all that is needed to know for it. */
export interface DeploymentRequest {
  readonly csar: Csar;
  /** The Cluster nodes to point to the boot's clusters. */
  readonly placed: readonly PlacedNode[];
  /** By the clusters' names. */
  readonly access: ReadonlyMap<string, ClusterAccess>;
  /** On this machine. */
  readonly urls: { readonly dashboard: string; readonly engine: string };
  /** As the dashboard's container reaches them. */
  readonly addresses: { readonly engine: string; readonly broker: string };
  readonly containers: PerComponent<string>;
  readonly runDirectory: string;
  readonly waitSeconds: number;
}

/** What a deployment works with. */
export interface DeploymentTools {
  readonly exec: Exec;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
  /** The clusters that the template's nodes stand for. */
  readonly clusters: readonly AdministeredCluster[];
}

/** A cluster, and kubectl as its admin. */
export interface AdministeredCluster {
  readonly name: string;
  readonly kubectl: Kubectl;
}

/** Which of several clusters is meant, for a message; of one cluster nothing is said. */
export function inCluster({ name }: Pick<AdministeredCluster, "name">, clusters: readonly unknown[]): string {
  return clusters.length > 1 ? ` in the cluster ${name}` : "";
}
