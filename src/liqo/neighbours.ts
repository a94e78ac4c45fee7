import { networkInterfaces } from "node:os";
import { type ClusterContainer, listClusterContainers } from "../docker/cluster-containers.ts";
import { readContainerFile } from "../docker/container-files.ts";
import { listSubnets } from "../docker/networks.ts";
import type { Exec } from "../exec.ts";
import type { Host } from "../host/inspect.ts";
import { isNodeName } from "../values/nodes.ts";
import { parseSubnet } from "../values/subnets.ts";
import { type ClusterSubnets, candidateSubnets, type TakenSubnet } from "./subnets.ts";

/** Where kind writes what kubeadm makes a node from, whoever created the cluster. */
const KUBEADM_CONFIGURATION = "/kind/kubeadm.conf";
const MAX_BYTES = 256 * 1024;

/** A cluster on this Docker Engine. */
export interface Neighbour {
  readonly cluster: string;
  /** Its oldest control plane. */
  readonly node: string;
  /** When that was created, in milliseconds. */
  readonly created: number;
}

/** The clusters that the containers are nodes of, in the order in which they were created. */
export function findNeighbours(containers: readonly ClusterContainer[]): readonly Neighbour[] {
  const controlPlanes = containers
    .filter(({ name, cluster }) => isNodeName(name, cluster) && /-control-plane\d*$/.test(name))
    .map(({ name, cluster, created }) => ({ cluster, node: name, created: Date.parse(created) }))
    .toSorted((a, b) => a.created - b.created || (a.node < b.node ? -1 : 1));
  return controlPlanes.filter(
    ({ cluster }, index) => controlPlanes.findIndex((each) => each.cluster === cluster) === index,
  );
}

/** The subnets in kubeadm's configuration; `undefined` where it names none. */
export function parseKubeadmSubnets(text: string, cluster: string): readonly TakenSubnet[] | undefined {
  const read = (field: keyof ClusterSubnets) => {
    const [, value = ""] = new RegExp(`^[ \\t]*"?${field}"?:[ \\t]*["']?([0-9a-fA-F.:/, ]+)`, "m").exec(text) ?? [];
    const subnets = value.split(",").map((subnet) => subnet.trim());
    return subnets.filter((subnet) => parseSubnet(subnet) !== undefined).map((subnet) => hold(field, subnet, cluster));
  };
  const found = [...read("podSubnet"), ...read("serviceSubnet")];
  return found.length === 0 ? undefined : found;
}

/** Reads a cluster's subnets, whether it runs or not; `undefined` where kind has not written them yet. */
export async function readSubnets(
  { cluster, node }: Neighbour,
  exec: Exec,
): Promise<readonly TakenSubnet[] | undefined> {
  const file = await readContainerFile(node, KUBEADM_CONFIGURATION, MAX_BYTES, exec);
  return file === undefined || file === "too large" ? undefined : parseKubeadmSubnets(file.text, cluster);
}

/** Every subnet that the pods and Services of peered clusters must stay out of: other clusters', Docker's, this machine's. */
export async function findTakenSubnets(
  { engine, site }: Pick<Host, "engine" | "site">,
  exec: Exec,
): Promise<readonly TakenSubnet[]> {
  // That it cannot be used is reported already.
  if (engine instanceof Error) return [];
  const [containers, networks] = await Promise.all([listClusterContainers(exec), listSubnets(exec)]);
  const clusters = await Promise.all(
    findNeighbours(containers).map(async (neighbour) => (await readSubnets(neighbour, exec)) ?? expected(neighbour)),
  );
  return [
    ...clusters.flat(),
    ...networks.map(({ network, subnet }) => ({ subnet, holder: `Docker's network ${network}` })),
    ...(site.kind === "this-machine" ? machineSubnets() : []),
  ];
}

/** What a cluster that is just being created will have, if it is another one for Liqo. */
function expected({ cluster }: Neighbour): readonly TakenSubnet[] {
  return candidateSubnets(cluster)
    .slice(0, 1)
    .flatMap(({ podSubnet, serviceSubnet }) => [
      hold("podSubnet", podSubnet, cluster),
      hold("serviceSubnet", serviceSubnet, cluster),
    ]);
}

function hold(field: keyof ClusterSubnets, subnet: string, cluster: string): TakenSubnet {
  return { subnet, holder: `the ${field === "podSubnet" ? "pods" : "Services"} of the cluster ${cluster}`, cluster };
}

/** The networks that this machine is in. */
function machineSubnets(): readonly TakenSubnet[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ cidr, internal }) =>
      cidr === null || internal ? [] : [{ subnet: cidr, holder: `this machine's network ${name}` }],
    ),
  );
}
