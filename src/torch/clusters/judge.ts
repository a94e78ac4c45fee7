import { KIND_NETWORK } from "../../docker/networks.ts";
import type { Host } from "../../host/inspect.ts";
import type { TorchInputs } from "../../inputs/torch.ts";
import type { Issue } from "../../values/issue.ts";
import { loadBalancerName } from "../../values/nodes.ts";
import { DOCKER_HOST_NAME } from "../endpoint.ts";
import type { ProbeFailure } from "./probe.ts";

/** A node's container, as Docker has it now. */
export interface FoundNode {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  readonly networks: readonly string[];
  /** Where the API server's port is published; `undefined` where it is not. */
  readonly published: { readonly address: string; readonly port: number } | undefined;
}

const ALLOWED = "a cluster that an earlier step of this job made, and that runs";

/** Where a cluster's API server is, or why TORCH-V2 could not use it. */
export function judgeNodes(
  cluster: string,
  nodes: readonly FoundNode[],
  { endpoint, host }: { readonly endpoint: TorchInputs["endpoint"]; readonly host: Pick<Host, "defaultGateway"> },
) {
  const refuse = (reason: string, fix: string, allowed = ALLOWED) => ({ issue: { reason, allowed, fix } });
  const controlPlanes = nodes
    .filter(({ name }) => /-control-plane\d*$/.test(name))
    .toSorted((a, b) => a.name.length - b.name.length || a.name.localeCompare(b.name));
  const [controlPlane, second] = controlPlanes;
  const entrance = second === undefined ? controlPlane : nodes.find(({ name }) => name === loadBalancerName(cluster));
  if (controlPlane === undefined || entrance === undefined) {
    return refuse(
      `has the credentials of the cluster ${cluster}, which does not exist on this Docker Engine, or no longer`,
      "remove that directory, or keep the cluster until this step is done",
    );
  }
  const stopped = nodes.filter(({ running }) => !running).map(({ name }) => name);
  if (stopped.length > 0) {
    return refuse(
      `has the credentials of the cluster ${cluster}, whose containers do not all run: ${stopped.join(", ")}`,
      `start them (docker start ${stopped.join(" ")}), or find out in an earlier step what stopped them`,
    );
  }
  const { published } = entrance;
  if (!entrance.networks.includes(KIND_NETWORK) || published === undefined) {
    return refuse(
      `has the credentials of the cluster ${cluster}, which is not in Docker's network ${KIND_NETWORK}, or publishes no API server`,
      "make that cluster with this Action",
    );
  }
  const reachable = ["0.0.0.0", "", host.defaultGateway];
  if (endpoint === "internal" || reachable.includes(published.address)) {
    return { entrance: entrance.name, controlPlane: controlPlane.id, published };
  }
  return refuse(
    `has the credentials of the cluster ${cluster}, whose API server is published on ${published.address}, where containers cannot reach it with torch-endpoint: external`,
    fixForExternal(host.defaultGateway),
    "clusters that are published on the gateway of Docker's default network, or on 0.0.0.0",
  );
}

function fixForExternal(gateway: string | undefined): string {
  return `give the step that made it api-server-address: ${gateway ?? "0.0.0.0"} and extra-sans: ${DOCKER_HOST_NAME}, or use torch-endpoint: internal`;
}

/** Why the credentials do not open the cluster of their name. */
export function describeFailure(
  cluster: string,
  failure: ProbeFailure,
  { serverName, gateway }: { readonly serverName: string; readonly gateway: string | undefined },
): Issue {
  const of = `has credentials that do not open the cluster ${cluster}:`;
  const allowed = "the credentials that the step issued that made the cluster of that name";
  const fix = "name the directory of the step that made this cluster, with the files as that step wrote them";
  if (failure.kind === "ca") {
    return { reason: `${of} its API server has a certificate of another CA than their ca.crt`, allowed, fix };
  }
  if (failure.kind === "user") {
    return { reason: `${of} its API server does not accept the user's certificate`, allowed, fix };
  }
  if (failure.kind !== "unreachable") {
    const external = serverName === DOCKER_HOST_NAME;
    return {
      reason: `${of} its API server's certificate does not have the name ${serverName}`,
      allowed: "clusters whose API server has that name in its certificate",
      fix: external ? fixForExternal(gateway) : fix,
    };
  }
  return {
    reason: `${of} its API server does not answer (${failure.message})`,
    allowed: ALLOWED,
    fix: "look at its nodes (docker ps, docker logs), and run the job again",
  };
}
