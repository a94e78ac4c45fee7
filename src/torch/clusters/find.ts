import { array, boolean, nullish, object, record, string, unknown } from "valibot";
import type { EarlierCredentials } from "../../credentials/earlier.ts";
import { isMissing } from "../../docker/client.ts";
import { inspectContainers } from "../../docker/containers.ts";
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
import { describeFailure, type FoundNode, judgeNodes } from "./judge.ts";
import { probeAccess } from "./probe.ts";

const API_PORT = 6443;

/** What earlier steps' clusters are looked for on. */
export interface EarlierSite {
  readonly host: Pick<Host, "site" | "engine" | "containers" | "defaultGateway">;
  /** How TORCH-V2 will reach them. */
  readonly endpoint: TorchInputs["endpoint"];
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
