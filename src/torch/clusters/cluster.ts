import { basename, join } from "node:path";
import type { EarlierCredentials } from "../../credentials/earlier.ts";
import type { CredentialPaths } from "../../credentials/files.ts";
import type { TorchInputs } from "../../inputs/torch.ts";
import { type ClusterNode, internalEndpoint } from "../../values/nodes.ts";
import { chooseEndpoint } from "../endpoint.ts";
import type { ClusterAccess } from "../template/point-at-cluster.ts";

/** A user's files of one cluster on this machine. TORCH-V2 gets each under the same name. */
export type ClusterFiles = Pick<CredentialPaths, "directory" | "ca" | "certificate" | "privateKey">;

/** A cluster that TORCH-V2 is booted for: the step's own, or one that an earlier step of the job made. */
export interface TorchCluster {
  readonly name: string;
  readonly files: ClusterFiles;
  /** The API server's address in kind's network. */
  readonly internal: string;
  /** The API server's port on the engine's machine; `undefined`: this step has yet to create the cluster. */
  readonly publishedPort: number | undefined;
  /** What was found of an earlier step's cluster; `undefined`: it is the step's own. */
  readonly earlier: EarlierCluster | undefined;
}

/** The clusters of a boot, the step's own first. */
export type TorchClusters = readonly [own: TorchCluster, ...earlier: TorchCluster[]];

/** A cluster that an earlier step made, as it was found. */
export interface EarlierCluster {
  readonly credentials: EarlierCredentials;
  readonly nodes: readonly ClusterNode[];
  /** The id of the first control plane's container. */
  readonly controlPlane: string;
  /** Where this step reaches the API server. */
  readonly server: string;
  readonly publishedPort: number;
}

/** The step's own cluster, with the paths of what it will issue. */
export function planOwnCluster(name: string, nodes: readonly ClusterNode[], files: ClusterFiles): TorchCluster {
  return { name, files, internal: internalEndpoint(name, nodes), publishedPort: undefined, earlier: undefined };
}

/** An earlier step's cluster. Copies of its files, under names that begin with the cluster's, go into the run's folder. */
export function planEarlierCluster(earlier: EarlierCluster, runDirectory: string): TorchCluster {
  const { credentials, nodes, publishedPort } = earlier;
  const { cluster } = credentials;
  const directory = join(runDirectory, "clusters");
  const files = fileNames(credentials, directory);
  return { name: cluster, files, internal: internalEndpoint(cluster, nodes), publishedPort, earlier };
}

/** Where the copies of an earlier step's files lie in a folder. */
export function fileNames({ cluster, user }: EarlierCredentials, directory: string): ClusterFiles {
  return {
    directory,
    ca: join(directory, `${cluster}-ca.crt`),
    certificate: join(directory, `${cluster}-${user}-signed.crt`),
    privateKey: join(directory, `${cluster}-${user}.key`),
  };
}

/** The paths of a cluster's files. */
export function listFiles({ files }: Pick<TorchCluster, "files">): readonly string[] {
  return [files.ca, files.certificate, files.privateKey];
}

/** Where the user's files of a cluster were issued to: where a checkout must not reach them. */
export function credentialsPlaceOf({ files, earlier }: TorchCluster) {
  const input = earlier === undefined ? "credentials-directory" : "torch-clusters";
  const directory = earlier?.credentials.directory ?? files.directory;
  const user = earlier?.credentials.user;
  const names = listFiles({ files }).map((path) => basename(path));
  return {
    input,
    directory,
    files: user === undefined ? names : ["ca.crt", `${user}-signed.crt`, `${user}.key`],
  } as const;
}

/** What is needed to know of a boot for the addresses and file names in a template. */
export interface AccessPlan {
  readonly endpoint: TorchInputs["endpoint"];
  readonly credentialsMount: string;
  readonly clusters: TorchClusters;
}

/**
 * What a template's Cluster nodes get to know, by the clusters' names.
 * @param publishedPort of the step's own cluster.
 */
export function planAccess(
  { endpoint, credentialsMount, clusters }: AccessPlan,
  publishedPort: number,
): ReadonlyMap<string, ClusterAccess> {
  return new Map(
    clusters.map((cluster) => [
      cluster.name,
      {
        endpoint: chooseEndpoint(endpoint, cluster.internal, cluster.publishedPort ?? publishedPort),
        ca: basename(cluster.files.ca),
        certificate: basename(cluster.files.certificate),
        privateKey: basename(cluster.files.privateKey),
        folder: credentialsMount,
      },
    ]),
  );
}
