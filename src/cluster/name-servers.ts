import { isIPv4 } from "node:net";
import type { Exec } from "../exec.ts";
import type { ClusterNode } from "../values/nodes.ts";

/** The IPv4 name servers that a resolv.conf names. */
export function parseNameServers(resolvConf: string): readonly string[] {
  return [...resolvConf.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap(([, address = ""]) =>
    isIPv4(address) ? [address] : [],
  );
}

/** Arguments for a node's iptables: queries from pods to a name server are not redirected. */
export function bypassArgs(node: string, podSubnet: string, server: string, protocol: "udp" | "tcp") {
  const match = ["--source", podSubnet, "--destination", server, "--protocol", protocol, "--dport", "53"];
  return ["exec", node, "iptables", "--wait", "--table=nat", "--insert", "PREROUTING", ...match, "--jump", "ACCEPT"];
}

/**
 * Lets pods reach a resolver on the Docker host. kind's entrypoint redirects what goes to port 53 of the network's
 * gateway to Docker's own DNS, pods' queries too, so a resolver that listens there would never hear of them. The
 * nodes' own queries stay redirected: that is how they find each other.
 */
export async function bypassDnsRedirect(
  nodes: readonly ClusterNode[],
  podSubnet: string,
  servers: readonly string[],
  exec: Exec,
): Promise<void> {
  // Dual-stack clusters have a subnet of each family; the redirection is IPv4's alone.
  const subnets = podSubnet.split(",").filter((subnet) => !subnet.includes(":"));
  const rules = nodes.flatMap((node) =>
    servers.flatMap((server) =>
      subnets.flatMap((subnet) =>
        (["udp", "tcp"] as const).map((protocol) => bypassArgs(node.name, subnet, server, protocol)),
      ),
    ),
  );
  await Promise.all(
    rules.map((args) =>
      exec({ file: "docker", args, timeoutSeconds: 60, purpose: "letting pods reach the host's resolver" }),
    ),
  );
}
