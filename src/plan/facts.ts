import type { Host } from "../host/inspect.ts";
import type { InputFiles } from "../inputs/files.ts";
import type { Inputs } from "../inputs/inputs.ts";
import type { TakenSubnet } from "../liqo/subnets.ts";
import type { EarlierCluster } from "../torch/clusters/cluster.ts";
import type { Folders } from "../values/paths.ts";
import type { Rejected } from "./rejected-inputs.ts";

/** What a plan is made from. */
export interface PlanFacts {
  readonly inputs: Inputs;
  readonly files: InputFiles;
  readonly host: Host;
  /** The clusters of earlier steps that TORCH-V2 is booted for as well, as they were found. */
  readonly earlierClusters?: readonly EarlierCluster[];
  /** The inputs that were rejected before: the defaults in their places are not the user's, and no problem follows from them. */
  readonly rejected: Rejected;
  readonly folders: Folders;
  /** Distinguishes this run's folder from another run's. */
  readonly runId: string;
  readonly artifactNameFor: (prefix: string, cluster: string) => string;
  /** The subnets that clusters which are peered must stay out of; looked up only for them. */
  readonly takenSubnets?: readonly TakenSubnet[];
}
