import { isIPv4 } from "node:net";
import { CommandError, type Run } from "../process.ts";
import { type Kubectl, watchObjects } from "./kubectl.ts";
import type { ClusterNode } from "./names.ts";

/** A node whose kube-proxy runs. */
export interface ServingNode {
  readonly name: string;
  /** Its IPv4 address on kind's network. */
  readonly address: string;
}

/** What is needed to connect the pods of a cluster's nodes. */
export interface PodNetwork {
  readonly nodes: readonly ClusterNode[];
  /** Each node's pod subnet, by name. */
  readonly podSubnets: ReadonlyMap<string, string>;
}

/** Where kindnetd writes its network configuration on every node (kind's images/kindnetd/cmd/kindnetd/cni.go). */
const CONFIGURATION = "/etc/cni/net.d/10-kindnet.conflist";
/** What kind applies as the pod network, on the first control plane (kind's installcni action). */
const MANIFEST = "/kind/manifests/default-cni.yaml";

/**
 * kindnetd's configuration for one IPv4 subnet, byte for byte: its template has been the same since 2020, and a file
 * that is already what kindnetd writes is not changed by its next pass. `%s` stands for the MTU of the node's eth0.
 */
export function renderKindnetConfiguration(podSubnet: string): string {
  return `
{
	"cniVersion": "0.3.1",
	"name": "kindnet",
	"plugins": [
	{
		"type": "ptp",
		"ipMasq": false,
		"ipam": {
			"type": "host-local",
			"dataDir": "/run/cni-ipam-state",
			"routes": [
				
				
				{ "dst": "0.0.0.0/0" }
			],
			"ranges": [
				
				
				[ { "subnet": "${podSubnet}" } ]
			]
		}
		,
		"mtu": %s
		
	},
	{
		"type": "portmap",
		"capabilities": {
			"portMappings": true
		}
	}
	]
}
`;
}

/**
 * What a node runs: `$1` is the configuration, every further argument a route. A pod that starts before kube-proxy has
 * set its rules waits 30 s for its first connection to a Service, so the rules come first: they follow kube-proxy's
 * start at once.
 */
const CONNECT = `set -eu
tries=0
until iptables-save -t nat | grep -q KUBE-SVC; do
  tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.1
done
mtu=$(cat /sys/class/net/eth0/mtu)
file=${CONFIGURATION}
if [ ! -e "$file" ]; then
  mkdir -p "$(dirname "$file")"
  printf "$1" "$mtu" >"$file.early"
  mv "$file.early" "$file"
fi
shift
for route in "$@"; do ip route replace $route; done`;

/** The arguments that connect a node's pods with those of others. */
export function connectArgs(
  node: ServingNode,
  others: readonly ServingNode[],
  podSubnets: ReadonlyMap<string, string>,
): readonly string[] {
  const configuration = renderKindnetConfiguration(podSubnets.get(node.name) ?? "");
  const routes = others.map(({ name, address }) => `${podSubnets.get(name)} via ${address}`);
  return ["exec", node.name, "sh", "-c", CONNECT, "sh", configuration, ...routes];
}

/** A node with a kube-proxy that is ready, from a line of the watch below. */
export function parseServingNode(line: string, { podSubnets }: PodNetwork): ServingNode | undefined {
  const [name = "", address = "", ready] = line.split(/\s+/);
  return ready === "True" && podSubnets.has(name) && isIPv4(address) ? { name, address } : undefined;
}

const PROXIES = [
  ...["pods", "--namespace=kube-system", "--selector=k8s-app=kube-proxy"],
  '--output=custom-columns=:.spec.nodeName,:.status.hostIP,:.status.conditions[?(@.type=="Ready")].status',
];

/**
 * Does what kindnetd does only ten seconds after it has started, since its first look finds no nodes (main.go there):
 * writes each node's network configuration, as soon as kube-proxy serves on it, and sets the routes to the pods of the
 * other nodes. Only where the cluster's pod network is kindnetd.
 * @returns what was done, for the log: kindnetd does the rest.
 */
export async function connectNodes(
  network: PodNetwork,
  kubectl: Kubectl,
  run: Run,
  signal: AbortSignal,
): Promise<string> {
  if (!(await usesKindnetd(network, run))) return "The node image brings a pod network of its own.";
  const connect = async (node: ServingNode, others: readonly ServingNode[]) => {
    const args = connectArgs(node, others, network.podSubnets);
    await run({ file: "docker", args, timeoutSeconds: 60, purpose: `connecting the pods of ${node.name}` });
  };
  const all = new AbortController();
  const serving: ServingNode[] = [];
  const connected: Promise<void>[] = [];
  await watchObjects(kubectl, PROXIES, signal, all.signal, (line) => {
    const node = parseServingNode(line, network);
    if (node === undefined || serving.some(({ name }) => name === node.name)) return;
    connected.push(connect(node, [...serving]));
    serving.push(node);
    if (serving.length === network.nodes.length) all.abort();
  });
  await Promise.all(connected);
  // Each has the routes to those before it.
  await Promise.all(serving.slice(0, -1).map((node, index) => connect(node, serving.slice(index + 1))));
  return `The pods of ${serving.length} nodes are connected.`;
}

async function usesKindnetd({ nodes }: PodNetwork, run: Run): Promise<boolean> {
  const first = nodes.find(({ role }) => role === "control-plane");
  if (first === undefined) return false;
  try {
    await run({
      file: "docker",
      args: ["exec", first.name, "grep", "-Eq", "^ *image: *([^ ]*/)?kindnetd[:@]", MANIFEST],
      timeoutSeconds: 60,
      purpose: "looking for kindnetd in the node image",
    });
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
