import { lookup } from "node:dns/promises";
import { createConnection } from "node:net";
import { execInContainer } from "../docker/containers.ts";
import { CommandError, type Exec } from "../exec.ts";
import { limitTime } from "../poll.ts";
import type { InternetProbe } from "../values/addresses.ts";

/** What pods and the Docker host reach of the internet. */
export interface Connectivity {
  readonly probe: InternetProbe;
  /** Whether a pod connects to the probe's address. */
  readonly address: boolean;
  /** Whether a pod resolves the probe's name; `undefined`: not asked, because CoreDNS had no ready endpoint. */
  readonly name: boolean | undefined;
  /** What the Docker host itself reaches. */
  readonly host: { readonly address: boolean; readonly name: boolean };
}

/**
 * Probes what this machine reaches, and a pod on the first node that has one.
 * @returns `undefined` if no pod's network could be looked at.
 */
export async function probeConnectivity(
  nodes: readonly string[],
  probe: InternetProbe,
  exec: Exec,
): Promise<Connectivity | undefined> {
  const [host, asksNames] = await Promise.all([probeHost(probe), isDnsReady(nodes, exec)]);
  for (const node of nodes) {
    const pod = await probePod(node, probe, asksNames, exec);
    if (pod !== undefined) return { probe, ...pod, host };
  }
  return undefined;
}

const HOST_MILLISECONDS = 6000;

async function probeHost({ name, address, port }: InternetProbe): Promise<Connectivity["host"]> {
  const succeeds = async (attempt: Promise<unknown>) => {
    const late = () => new Error("timed out");
    return await limitTime(attempt, HOST_MILLISECONDS, late).then(
      () => true,
      () => false,
    );
  };
  const [connects, resolves] = await Promise.all([succeeds(connect(address, port)), succeeds(lookup(name))]);
  return { address: connects, name: resolves };
}

/** Connects once, and sends nothing. */
async function connect(address: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createConnection({ host: address, port, timeout: HOST_MILLISECONDS });
  socket.on("connect", () => resolve());
  socket.on("timeout", () => reject(new Error("timed out")));
  socket.on("error", reject);
  try {
    await promise;
  } finally {
    socket.destroy();
  }
}

/** Finds out whether CoreDNS has a ready endpoint: one that is not up yet says nothing about names. */
async function isDnsReady(nodes: readonly string[], exec: Exec): Promise<boolean> {
  const kubectl = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--namespace=kube-system"];
  const ready = "jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[*]}";
  const command = [
    ...[...kubectl, "get", "endpointslices"],
    ...["--selector=kubernetes.io/service-name=kube-dns", `--output=${ready}`],
  ];
  const options = { timeoutSeconds: 30, purpose: "looking at CoreDNS" };
  for (const node of nodes) {
    try {
      const { stdout } = await execInContainer(node, command, options, exec);
      if (stdout.trim() !== "") return true;
    } catch (error) {
      // A worker has no such kubeconfig.
      if (!(error instanceof CommandError)) throw error;
    }
  }
  return false;
}

/**
 * Looks out from a pod's network, without a pod of our own: an image could not be pulled for it without the internet.
 * The node's shell enters the network of a pod that is there (CoreDNS), connects to the address, and asks the cluster's
 * DNS for the name, as every pod does.
 */
async function probePod(
  node: string,
  { name, address, port }: InternetProbe,
  asksNames: boolean,
  exec: Exec,
): Promise<Pick<Connectivity, "address" | "name"> | undefined> {
  const command = ["bash", "-c", PROBE, "probe", asksNames ? name : "", address, String(port)];
  const options = { timeoutSeconds: 90, purpose: `looking out from a pod on ${node}` };
  try {
    const { stdout } = await execInContainer(node, command, options, exec);
    const seen = new Set(stdout.split("\n"));
    if (!seen.has("looked")) return undefined;
    return { address: seen.has("address"), name: asksNames ? seen.has("name") : undefined };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Run in a node: values come as arguments, never as part of the text. */
const PROBE = `
space=$(ls /var/run/netns 2>/dev/null | head -n 1)
[ -n "$space" ] || exit 0
echo looked
in_pod() { nsenter --net="/var/run/netns/$space" timeout 6 "$@"; }
in_pod bash -c '</dev/tcp/"$1"/"$2"' connect "$2" "$3" 2>/dev/null && echo address
dns=$(sed -n '/clusterDNS/{n;s/^[ -]*//p}' /var/lib/kubelet/config.yaml | head -n 1)
echo "nameserver $dns" > /run/kind-torch-resolv.conf
resolve() {
  unshare --mount bash -c '
    mount --bind /run/kind-torch-resolv.conf /etc/resolv.conf
    nsenter --net="$1" timeout 12 getent ahostsv4 "$2."' resolve "/var/run/netns/$space" "$1" >/dev/null
}
[ -n "$1" ] && { resolve "$1" || resolve "$1"; } && echo name
rm -f /run/kind-torch-resolv.conf
true
`;

/** What pods reach where that is as it should be, or as this machine is. */
export function describeConnectivity({ probe, address, name, host }: Connectivity): string {
  const names =
    name === undefined ? "CoreDNS was not ready to be asked" : `${name ? "resolve" : "do not resolve"} ${probe.name}`;
  const itself = `this machine ${host.address ? "reaches" : "does not reach"} the one and ${host.name ? "resolves" : "does not resolve"} the other`;
  return `Pods ${address ? "reach" : "do not reach"} ${probe.address} and ${names}${address && name === true ? "" : ` (${itself})`}`;
}
