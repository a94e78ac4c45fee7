import { isIPv4 } from "node:net";
import { Failure } from "../../errors.ts";
import type { ClusterNode } from "../../values/nodes.ts";
import { type Kubectl, watchObjects } from "../kubectl.ts";

/**
 * Splits an IPv4 subnet into a /24 for each node, in their order, as the node IPAM controller would.
 * @returns `undefined` where the text is not an IPv4 subnet, or has no /24 for each node.
 */
export function splitSubnet(subnet: string, nodes: readonly ClusterNode[]): ReadonlyMap<string, string> | undefined {
  const [base = "", prefix = "", ...rest] = subnet.split("/");
  const room = 2 ** (24 - Number(prefix));
  if (rest.length > 0 || !isIPv4(base) || !/^\d+$/.test(prefix) || Number(prefix) > 24 || nodes.length > room)
    return undefined;
  const [a = 0, b = 0, c = 0] = base.split(".").map(Number);
  const first = (a << 16) | (b << 8) | c;
  const start = first - (((first % room) + room) % room);
  return new Map(
    nodes.map((node, index) => {
      const network = start + index;
      return [node.name, `${(network >>> 16) & 255}.${(network >>> 8) & 255}.${network & 255}.0/24`];
    }),
  );
}

/**
 * Gives each node its pod subnet as soon as it registers. The node IPAM controller, which starts later, keeps the subnet
 * that a node has.
 */
export async function assignPodSubnets(
  { podSubnets }: { readonly podSubnets: ReadonlyMap<string, string> },
  kubectl: Kubectl,
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const assigned = new Map<string, Promise<unknown>>();
  const failures: unknown[] = [];
  const assign = async (node: string, subnet: string) => {
    const spec = { podCIDR: subnet, podCIDRs: [subnet] };
    await kubectl(["patch", "node", node, "--type=merge", `--patch=${JSON.stringify({ spec })}`], {
      purpose: `giving ${node} its pod subnet`,
    });
    if (assigned.size === podSubnets.size) enough.abort();
  };
  await watchObjects(kubectl, ["nodes", "--output=name"], { stop: signal, enough: enough.signal }, (line) => {
    const node = line.replace(/^node\//, "");
    const subnet = podSubnets.get(node);
    if (subnet === undefined || assigned.has(node)) return;
    const settled = assign(node, subnet).catch((error) => {
      failures.push(error);
      enough.abort();
    });
    assigned.set(node, settled);
  });
  await Promise.all(assigned.values());
  if (failures.length > 0) throw failures[0];
  if (assigned.size < podSubnets.size) throw new Failure("The watch for the nodes ended before each had registered.");
}
