import { array, boolean, nullish, object, record, string, unknown } from "valibot";
import type { EarlierCredentials } from "../../credentials/earlier.ts";
import { isMissing } from "../../docker/client.ts";
import { inspectContainers } from "../../docker/containers.ts";
import { KIND_NETWORK } from "../../docker/networks.ts";
import { reachPort } from "../../docker/site.ts";
import type { Problem } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { Host } from "../../host/inspect.ts";
import type { TorchInputs } from "../../inputs/torch.ts";
import { type Issue, toProblem } from "../../values/issue.ts";
import { readJson } from "../../values/json.ts";
import { type ClusterNode, isNodeName, loadBalancerName } from "../../values/nodes.ts";
import { DOCKER_HOST_NAME } from "../endpoint.ts";
import type { EarlierCluster } from "./cluster.ts";
import { type ProbeFailure, probeAccess } from "./probe.ts";

const API_PORT = 6443;

/** What earlier steps' clusters are looked for on. */
export interface EarlierSite {
  readonly host: Pick<Host, "site" | "engine" | "containers" | "defaultGateway">;
  /** How TORCH-V2 will reach them. */
  readonly endpoint: TorchInputs["endpoint"];
}

/** A node's container, as Docker has it now. */
export interface FoundNode {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  readonly networks: readonly string[];
  /** Where the API server's port is published; `undefined` where it is not. */
  readonly published: { readonly address: string; readonly port: number } | undefined;
}

/** Finds the clusters of earlier steps on this engine, uses each one's credentials once, and reports all that is wrong. */
export async function findEarlierClusters(
  given: readonly EarlierCredentials[],
  where: EarlierSite,
  exec: Exec,
): Promise<{ readonly clusters: readonly EarlierCluster[]; readonly problems: readonly Problem[] }> {
  // Without an engine nothing is found, and that is reported.
  if (where.host.engine instanceof Error) return { clusters: [], problems: [] };
  const found = await Promise.all(
    given.map(async (credentials) => ({ credentials, ...(await findCluster(credentials, where, exec)) })),
  );
  return {
    clusters: found.flatMap((each) => ("value" in each ? [each.value] : [])),
    problems: found.flatMap((each) =>
      "issue" in each ? [toProblem("torch-clusters", each.credentials.directory, each.issue)] : [],
    ),
  };
}

type Found = { readonly value: EarlierCluster } | { readonly issue: Issue };

async function findCluster(credentials: EarlierCredentials, where: EarlierSite, exec: Exec): Promise<Found> {
  const { cluster } = credentials;
  const { containers, site } = where.host;
  const own = containers.filter((each) => each.cluster === cluster && isNodeName(each.name, cluster));
  const nodes = await inspectNodes(
    own.map(({ id }) => id),
    exec,
  );
  const judged = judgeNodes(cluster, nodes, where);
  if ("issue" in judged) return judged;
  const { entrance, controlPlane, published } = judged;
  const { host, port } = reachPort(site, { container: entrance, port: API_PORT, published });
  const { ca, certificate, privateKey } = credentials;
  const serverName = where.endpoint === "internal" ? entrance : DOCKER_HOST_NAME;
  const failure = await probeAccess({ host, port, serverName, ca, certificate, privateKey });
  if (failure !== undefined)
    return { issue: describeFailure(cluster, failure, { serverName, gateway: where.host.defaultGateway }) };
  const address = host.includes(":") ? `[${host}]` : host;
  return {
    value: {
      credentials,
      nodes: nodes.flatMap(({ name }) => roleOf(name, cluster)),
      controlPlane,
      server: `https://${address}:${port}`,
      publishedPort: published.port,
    },
  };
}

function roleOf(name: string, cluster: string): readonly ClusterNode[] {
  if (name === loadBalancerName(cluster)) return [];
  return [{ name, role: /-worker\d*$/.test(name) ? "worker" : "control-plane" }];
}

const FORMAT =
  '{"id":{{json .Id}},"name":{{json .Name}},"running":{{json .State.Running}},"networks":{{json .NetworkSettings.Networks}},"ports":{{json .NetworkSettings.Ports}}}';
const INSPECTED = object({
  id: string(),
  name: string(),
  running: boolean(),
  networks: nullish(record(string(), unknown())),
  ports: nullish(record(string(), nullish(array(object({ HostIp: string(), HostPort: string() }))))),
});

async function inspectNodes(ids: readonly string[], exec: Exec): Promise<readonly FoundNode[]> {
  if (ids.length === 0) return [];
  const options = { timeoutSeconds: 60, purpose: "inspecting the nodes of an earlier step's cluster" };
  try {
    return (await inspectContainers(ids, FORMAT, options, exec)).map(parseNode);
  } catch (error) {
    // It was removed since the containers were listed.
    if (isMissing("container", error)) return [];
    throw error;
  }
}

function parseNode(line: string): FoundNode {
  const { id, name, running, networks, ports } = readJson(INSPECTED, line);
  const [binding] = ports?.[`${API_PORT}/tcp`] ?? [];
  return {
    id,
    name: name.replace(/^\//, ""),
    running,
    networks: Object.keys(networks ?? {}),
    published: binding === undefined ? undefined : { address: binding.HostIp, port: Number(binding.HostPort) },
  };
}

const ALLOWED = "a cluster that an earlier step of this job made, and that runs";

/** Where a cluster's API server is, or why TORCH-V2 could not use it. */
export function judgeNodes(
  cluster: string,
  nodes: readonly FoundNode[],
  { endpoint, host }: Pick<EarlierSite, "endpoint"> & { readonly host: Pick<Host, "defaultGateway"> },
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
