import { enginePath } from "../docker/engine-paths.ts";
import { RUN_CLUSTER_LABEL } from "../docker/labels.ts";
import { KIND_NETWORK } from "../docker/networks.ts";
import type { EngineSite } from "../docker/site.ts";
import { ENTRY, NARROWED_DOCKER } from "./narrow.ts";
import type { LoadBalancerPlan } from "./plan.ts";

const SOCKET = "/var/run/docker.sock";

/**
 * The path of Docker's socket on the engine's machine. A client that reaches the engine by another way than a socket does
 * not know it: then it is the usual one.
 * @param endpoint as Docker's client has it, such as `unix:///var/run/docker.sock`.
 */
export function findSocket(endpoint: string, site: EngineSite): string {
  const path = /^unix:\/\/(\/.*)$/.exec(endpoint.trim())?.[1];
  return (path === undefined ? undefined : enginePath(site, path)) ?? SOCKET;
}

/** Arguments that run the provider. */
export function providerArgs(
  { cluster, container, label, proxy }: LoadBalancerPlan,
  { socket, gateways }: { readonly socket: string; readonly gateways: boolean },
): readonly string[] {
  const environment = {
    KIND_TORCH_CLUSTER: cluster,
    KIND_TORCH_LABEL: label,
    KIND_TORCH_MARK: `${RUN_CLUSTER_LABEL}=${cluster}`,
    KIND_TORCH_PROXY: proxy,
    // Docker's client gives containers the proxies of its configuration. Everything here is in kind's network.
    NO_PROXY: "*",
    no_proxy: "*",
  };
  return [
    `--name=${container.name}`,
    ...container.marks,
    `--network=${KIND_NETWORK}`,
    `--mount=type=bind,source=${socket},target=${SOCKET}`,
    // Where SELinux is enforced, a container may not use the socket otherwise.
    "--security-opt=label=disable",
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
    "--pull=never",
    "--entrypoint=sh",
    container.image,
    ...["-c", ENTRY, "sh", NARROWED_DOCKER],
    `--gateway-channel=${gateways ? "standard" : "disabled"}`,
  ];
}
