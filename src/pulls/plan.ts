import type { PendingContainer } from "../docker/interrupted.ts";
import { REGISTRY_RUN_LABEL, RUN_CLUSTER_LABEL } from "../docker/labels.ts";
import type { HostPort } from "../host/ports.ts";
import { findProxies } from "../host/proxy.ts";
import type { RegistryMirror } from "../values/mirrors.ts";
import type { PullCredentials } from "./credentials.ts";

/** How the nodes pull images, beyond what kind does by itself. */
export interface PullPlan {
  readonly registry: RegistryPlan | undefined;
  readonly mirrors: readonly RegistryMirror[];
  readonly credentials: PullCredentials | undefined;
}

/** The registry beside the cluster. */
export interface RegistryPlan {
  /** Its container, as Docker is asked to create it. */
  readonly container: PendingContainer;
  /** What proves that it is this run's, in the form of Docker's filters. */
  readonly label: string;
  /** Where it is published on this machine. */
  readonly port: HostPort;
  /** As images name it, on this machine and in pods. */
  readonly address: string;
  /** In kind's network. */
  readonly inNetwork: string;
}

/** The port that a registry listens on in its container: the official image's default. */
export const REGISTRY_CONTAINER_PORT = 5000;

/** The port on this machine, where none is asked for: that of kind's documentation. */
export const DEFAULT_REGISTRY_PORT = 5001;

/** The name of the registry's container. */
export function registryName(cluster: string): string {
  return `${cluster}-registry`;
}

/** Plans the registry. @param image the catalog's; empty where it has none, which is refused. */
export function planRegistry(
  cluster: string,
  { runId, image, port }: { readonly runId: string; readonly image: string; readonly port: number },
): RegistryPlan {
  const name = registryName(cluster);
  const label = `${REGISTRY_RUN_LABEL}=${cluster}-${runId}`;
  return {
    // The cluster's label has `existing: replace` remove it.
    container: { name, image, marks: [`--label=${label}`, `--label=${RUN_CLUSTER_LABEL}=${cluster}`] },
    label,
    port: { address: "127.0.0.1", port, protocol: "tcp", source: "registry-port", addressWritten: true },
    address: `localhost:${port}`,
    inNetwork: `${name}:${REGISTRY_CONTAINER_PORT}`,
  };
}

/** kind gives its own proxies to the nodes: none of them knows the registry. */
export function planEnvironment(
  { registry }: PullPlan,
  environment: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  if (registry === undefined || findProxies(environment).length === 0) return {};
  const direct = [environment.NO_PROXY || environment.no_proxy || "", registry.container.name];
  const joined = direct.filter((each) => each !== "").join(",");
  return { NO_PROXY: joined, no_proxy: joined };
}

/** A row each for the summary and the log: what it is, and what the nodes use. */
export function pullRows({ registry, mirrors, credentials }: PullPlan): readonly (readonly [string, string])[] {
  return [
    ...(registry === undefined
      ? []
      : [["Registry", `${registry.address} (in kind's Docker network ${registry.inNetwork})`] as const]),
    ...mirrors.map((mirror) => ["Mirror", `${mirror.registry} is pulled through ${mirror.url}`] as const),
    ...(credentials === undefined
      ? []
      : [["Pull credentials", `the nodes have those for ${credentials.registries.join(", ")}`] as const]),
  ];
}
