import type { Kubectl } from "../../cluster/kubectl.ts";
import type { Exec } from "../../exec.ts";
import type { Log } from "../../runner/log.ts";
import type { Timeline } from "../../timeline.ts";
import type { PerComponent } from "../components.ts";
import type { Csar } from "./csar.ts";
import type { ClusterAccess } from "./point-at-cluster.ts";

/** A template to deploy through TORCH-V2, and all that is needed to know for it. */
export interface DeploymentRequest {
  readonly csar: Csar;
  /** The Cluster node to point to the run's cluster. */
  readonly node: string;
  readonly access: ClusterAccess;
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
  /** As the cluster's admin. */
  readonly kubectl: Kubectl;
}
