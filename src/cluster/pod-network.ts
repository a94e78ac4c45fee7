import { isIPv4 } from "node:net";
import { Failure } from "../failure.ts";
import type { Run } from "../process.ts";
import { type Kubectl, watchObjects } from "./kubectl.ts";
import type { ClusterNode } from "./names.ts";

/** A node's container. */
export interface NodeAddress {
  readonly name: string;
  /** Its IPv4 address on kind's network, which is the node's. */
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
  tries=$((tries + 1)); [ $tries -lt 120 ]; sleep 0.5
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

/** The arguments that connect a node's pods with those of the others. */
export function connectArgs(
  name: string,
  nodes: readonly NodeAddress[],
  podSubnets: ReadonlyMap<string, string>,
): readonly string[] {
  const configuration = renderKindnetConfiguration(podSubnets.get(name) ?? "");
  const routes = nodes
    .filter((node) => node.name !== name)
    .map((node) => `${podSubnets.get(node.name)} via ${node.address}`);
  return ["exec", name, "sh", "-c", CONNECT, "sh", configuration, ...routes];
}

/** A pod of kube-proxy or of the pod network, from a line of the watch below. */
export interface NodePod {
  readonly kind: "kube-proxy" | "kindnetd";
  readonly node: string;
  readonly ready: boolean;
}

const NODE_PODS = [
  ...["pods", "--namespace=kube-system", "--selector=k8s-app in (kube-proxy, kindnet)"],
  `--output=custom-columns=${[
    ":.spec.containers[0].image",
    ":.spec.nodeName",
    ':.status.conditions[?(@.type=="Ready")].status',
  ].join(",")}`,
];

/** Reads a line of the watch; `undefined` where it is another pod's. */
export function parseNodePod(line: string): NodePod | undefined {
  const [image = "", node = "", ready] = line.trim().split(/\s+/);
  if (/(?:^|\/)kindnetd[:@]/.test(image)) return { kind: "kindnetd", node, ready: ready === "True" };
  if (!/(?:^|\/)kube-proxy(?:-[a-z0-9]+)?[:@]/.test(image)) return undefined;
  return { kind: "kube-proxy", node, ready: ready === "True" };
}

/**
 * Does what kindnetd does only ten seconds after it has started, since its first look finds no nodes (main.go there):
 * writes each node's network configuration, as soon as kube-proxy serves on it, and sets the routes to the pods of the
 * other nodes. It does nothing before it has seen a pod of kindnetd in the cluster.
 * @returns whether every node is connected: not, where the signal stops it or the pod network is another one.
 */
export async function connectNodes(
  { nodes, podSubnets }: PodNetwork,
  kubectl: Kubectl,
  run: Run,
  signal: AbortSignal,
): Promise<boolean> {
  const addresses = await findAddresses(nodes, run);
  const all = new AbortController();
  const serving = new Set<string>();
  const connected = new Map<string, Promise<unknown>>();
  let usesKindnetd = false;
  const connect = (name: string) => {
    const args = connectArgs(name, addresses, podSubnets);
    const started = run({
      file: "docker",
      args,
      timeoutSeconds: 90,
      purpose: `connecting the pods of ${name}`,
      signal,
    });
    // It is awaited when the watch has ended.
    started.catch(() => undefined);
    connected.set(name, started);
  };
  try {
    await watchObjects(kubectl, NODE_PODS, signal, all.signal, (line) => {
      const pod = parseNodePod(line);
      usesKindnetd ||= pod?.kind === "kindnetd";
      if (pod?.kind === "kube-proxy" && pod.ready && podSubnets.has(pod.node)) serving.add(pod.node);
      if (!usesKindnetd) return;
      for (const name of serving) if (!connected.has(name)) connect(name);
      if (connected.size === nodes.length) all.abort();
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await Promise.allSettled(connected.values());
  }
  await Promise.all(connected.values());
  return connected.size === nodes.length;
}

const FORMAT = "{{.Name}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}";

/** The addresses of the nodes' containers. @throws Failure where one has none. */
async function findAddresses(nodes: readonly ClusterNode[], run: Run): Promise<readonly NodeAddress[]> {
  const { stdout } = await run({
    file: "docker",
    args: ["inspect", "--format", FORMAT, ...nodes.map(({ name }) => name)],
    timeoutSeconds: 60,
    purpose: "finding the nodes' addresses",
  });
  const found = stdout.split("\n").flatMap(parseAddress);
  if (found.length !== nodes.length) throw new Failure(`The nodes' addresses are not known: ${stdout.trim()}`);
  return found;
}

/** Reads a line of `docker inspect`; none where the container has no IPv4 address. */
export function parseAddress(line: string): readonly NodeAddress[] {
  const [name = "", ...addresses] = line.split(" ");
  const address = addresses.find((each) => isIPv4(each));
  return address === undefined ? [] : [{ name: name.replace(/^\//, ""), address }];
}
