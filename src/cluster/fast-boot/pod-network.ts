import { isIPv4 } from "node:net";
import { execInContainer, inspectContainers } from "../../docker/containers.ts";
import { Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { ClusterNode } from "../../values/nodes.ts";
import { type Kubectl, watchObjects } from "../kubectl.ts";
import { isKindnetd, KINDNET_CONFIGURATION, KINDNET_PODS, renderKindnetConfiguration } from "./kindnet.ts";

/** A node's container. */
export interface NodeAddress {
  readonly name: string;
  /** Its IPv4 address on kind's network, which is the node's. */
  readonly address: string;
}

/** The nodes whose pods are to be connected. */
export interface PodNetwork {
  readonly nodes: readonly ClusterNode[];
  /** Each node's pod subnet, by name. */
  readonly podSubnets: ReadonlyMap<string, string>;
}

/**
 * Does what kindnetd does only ten seconds after its start, because it finds no nodes at first (its main.go): writes each
 * node's network configuration as soon as kube-proxy serves on it, and sets the routes to the pods of the other nodes. It
 * starts when it has seen a pod of kindnetd in the cluster.
 * @returns whether every node is connected: false where the signal stops it, or the pod network is another one.
 */
export async function connectNodes(
  { nodes, podSubnets }: PodNetwork,
  kubectl: Kubectl,
  exec: Exec,
  signal: AbortSignal,
): Promise<boolean> {
  const seen = new AbortController();
  try {
    await watchObjects(kubectl, KINDNET_PODS, { stop: signal, enough: seen.signal }, (line) => {
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
      execInContainer(
        name,
        connectCommand(name, addresses, podSubnets),
        { timeoutSeconds: 600, purpose: `connecting the pods of ${name}`, signal },
        exec,
      ),
    ),
  );
  return true;
}

/**
 * The script that runs in a node: `$1` is the configuration, every further argument a route. It waits for kube-proxy's
 * rules first, because a pod that starts before them waits 30 s for its first connection to a Service, and at the end for
 * kindnetd's masquerading. It looks at the rules themselves, as a kubelet reports a container up to a second after its
 * start; it does not keep a node busy that has not joined yet, and it ends after some minutes, as the run may be gone.
 */
const CONNECT = `set -eu
tries=0
again() { tries=$((tries + 1)); [ $tries -lt 1000 ]; sleep "$1"; }
until [ -e /var/lib/kubelet/config.yaml ]; do again 0.5; done
until iptables-save -t nat | grep -q KUBE-SVC; do again 0.2; done
mtu=$(cat /sys/class/net/eth0/mtu)
file=${KINDNET_CONFIGURATION}
if [ ! -e "$file" ]; then
  mkdir -p "$(dirname "$file")"
  printf "$1" "$mtu" >"$file.early"
  mv "$file.early" "$file"
fi
shift
for route in "$@"; do ip route replace $route; done
until iptables-save -t nat | grep -q KIND-MASQ-AGENT; do again 0.2; done`;

/** The command that connects a node's pods with those of the other nodes. */
export function connectCommand(
  name: string,
  nodes: readonly NodeAddress[],
  podSubnets: ReadonlyMap<string, string>,
): readonly string[] {
  const configuration = renderKindnetConfiguration(podSubnets.get(name) ?? "");
  const routes = nodes
    .filter((node) => node.name !== name)
    .map((node) => `${podSubnets.get(node.name)} via ${node.address}`);
  return ["sh", "-c", CONNECT, "sh", configuration, ...routes];
}

const FORMAT = "{{.Name}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}";

/** The addresses of the nodes' containers. @throws Failure where one has none. */
async function findAddresses(nodes: readonly ClusterNode[], exec: Exec): Promise<readonly NodeAddress[]> {
  const names = nodes.map(({ name }) => name);
  const options = { timeoutSeconds: 60, purpose: "finding the nodes' addresses" };
  const lines = await inspectContainers(names, FORMAT, options, exec);
  const found = lines.flatMap(parseAddress);
  if (found.length !== nodes.length) throw new Failure(`The nodes' addresses are not known: ${lines.join("\n")}`);
  return found;
}

/** Reads a line of `docker inspect`; nothing where the container has no IPv4 address. */
export function parseAddress(line: string): readonly NodeAddress[] {
  const [name = "", ...addresses] = line.split(" ");
  const address = addresses.find((each) => isIPv4(each));
  return address === undefined ? [] : [{ name: name.replace(/^\//, ""), address }];
}
