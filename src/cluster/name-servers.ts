import { isIPv4 } from "node:net";
import { execInContainer } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";
import type { ClusterNode } from "../values/nodes.ts";

/** The IPv4 name servers of a resolv.conf. */
export function parseNameServers(resolvConf: string): readonly string[] {
  return [...resolvConf.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap(([, address = ""]) =>
    isIPv4(address) ? [address] : [],
  );
}

/** The command that excludes queries from pods to a name server from a node's redirection. */
export function bypassCommand(podSubnet: string, server: string, protocol: "udp" | "tcp"): readonly string[] {
  const match = ["--source", podSubnet, "--destination", server, "--protocol", protocol, "--dport", "53"];
  return ["iptables", "--wait", "--table=nat", "--insert", "PREROUTING", ...match, "--jump", "ACCEPT"];
}

/**
 * Lets pods reach a resolver on the Docker host. kind's entrypoint redirects everything for port 53 of the network's
 * gateway to Docker's own DNS, so a resolver that listens there would not get the pods' queries. The nodes' own queries
 * stay redirected: that is how nodes find each other.
 */
export async function bypassDnsRedirect(
  nodes: readonly ClusterNode[],
  podSubnet: string,
  servers: readonly string[],
  exec: Exec,
): Promise<void> {
  // Dual-stack clusters have a subnet of each family; only IPv4 is redirected.
  const subnets = podSubnet.split(",").filter((subnet) => !subnet.includes(":"));
  const rules = servers.flatMap((server) =>
    subnets.flatMap((subnet) => (["udp", "tcp"] as const).map((protocol) => bypassCommand(subnet, server, protocol))),
  );
  const options = { timeoutSeconds: 60, purpose: "letting pods reach the host's resolver" };
  await Promise.all(nodes.flatMap(({ name }) => rules.map((command) => execInContainer(name, command, options, exec))));
}
