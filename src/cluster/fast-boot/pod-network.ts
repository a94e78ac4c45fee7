import { isIPv4 } from "node:net";
import { Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { ClusterNode } from "../../values/nodes.ts";
import { type Kubectl, watchObjects } from "../kubectl.ts";

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
 * set its rules waits 30 s for its first connection to a Service, so the rules come first. At the end kindnetd runs and
 * masquerades. Both are looked for where they are, since a kubelet reports a container up to a second after its start; a
 * node that has not joined yet is not kept busy with it. It gives up after some minutes: whoever started it may be gone.
 */
const CONNECT = `set -eu
tries=0
again() { tries=$((tries + 1)); [ $tries -lt 1000 ]; sleep "$1"; }
until [ -e /var/lib/kubelet/config.yaml ]; do again 0.5; done
until iptables-save -t nat | grep -q KUBE-SVC; do again 0.2; done
mtu=$(cat /sys/class/net/eth0/mtu)
file=${CONFIGURATION}
if [ ! -e "$file" ]; then
  mkdir -p "$(dirname "$file")"
  printf "$1" "$mtu" >"$file.early"
  mv "$file.early" "$file"
fi
shift
for route in "$@"; do ip route replace $route; done
until iptables-save -t nat | grep -q KIND-MASQ-AGENT; do again 0.2; done`;

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

const NETWORK_PODS = [
  ...["pods", "--namespace=kube-system", "--selector=k8s-app=kindnet"],
  "--output=custom-columns=:.spec.containers[0].image",
];

/** Whether an image is kindnetd's, by its name. */
export function isKindnetd(image: string): boolean {
  return /(?:^|\/)kindnetd[:@]/.test(image.trim());
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
  exec: Exec,
  signal: AbortSignal,
): Promise<boolean> {
  const seen = new AbortController();
  try {
    await watchObjects(kubectl, NETWORK_PODS, signal, seen.signal, (line) => {
      if (isKindnetd(line)) seen.abort();
    });
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
  if (!seen.signal.aborted) return false;
  const addresses = await findAddresses(nodes, exec);
  await Promise.all(
    nodes.map(({ name }) =>
      exec({
        file: "docker",
        args: connectArgs(name, addresses, podSubnets),
        timeoutSeconds: 600,
        purpose: `connecting the pods of ${name}`,
        signal,
      }),
    ),
  );
  return true;
}

const FORMAT = "{{.Name}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}";

/** The addresses of the nodes' containers. @throws Failure where one has none. */
async function findAddresses(nodes: readonly ClusterNode[], exec: Exec): Promise<readonly NodeAddress[]> {
  const { stdout } = await exec({
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
