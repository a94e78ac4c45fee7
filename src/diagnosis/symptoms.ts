import { lookup } from "node:dns/promises";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, type Exec } from "../exec.ts";
import { type InotifyValues, readLimits } from "../host/inotify.ts";
import type { HostPort } from "../host/ports.ts";
import type { InternetProbe } from "../inputs/inputs.ts";

/** What a pod reaches of the internet; `undefined` where no pod's network could be looked at. */
export interface Connectivity {
  readonly probe: InternetProbe;
  readonly address: boolean;
  /** `undefined`: not asked, because CoreDNS had no ready endpoint. */
  readonly name: boolean | undefined;
  /** What the Docker host itself reaches. */
  readonly host: { readonly address: boolean; readonly name: boolean };
}

/** What was seen after a cluster did not come up: what a cause is named from. */
export interface Symptoms {
  /** What kind or kubectl ended with. */
  readonly error: string;
  /** That, and what the nodes said. */
  readonly words: string;
  readonly limits: InotifyValues;
  /** The ports of this machine that the user named; any other was chosen because it was free. */
  readonly ports: readonly HostPort[];
}

/** Collects the symptoms of a cluster that failed. What cannot be seen is left out: a diagnosis must not fail a run. */
export async function collectSymptoms(
  facts: { readonly nodes: readonly string[]; readonly error: string; readonly ports: readonly HostPort[] },
  exec: Exec,
): Promise<Symptoms> {
  const [limits, logs] = await Promise.all([
    readLimits(),
    Promise.all(facts.nodes.map((node) => readNodeWords(node, exec))),
  ]);
  return { error: facts.error, words: [facts.error, ...logs].join("\n"), limits, ports: facts.ports };
}

async function readNodeWords(node: string, exec: Exec): Promise<string> {
  const ask = (args: readonly string[]) =>
    exec({ file: "docker", args, timeoutSeconds: 30, purpose: `reading the log of ${node}` }).then(
      ({ stdout, stderr }) => stdout + stderr,
      (error: unknown) => (error instanceof CommandError ? error.stdout + error.stderr : ""),
    );
  const [container, journal] = await Promise.all([
    ask(["logs", "--tail", "200", node]),
    ask(["exec", node, "journalctl", "--no-pager", "--lines=400", "--priority=warning"]),
  ]);
  return `${container}\n${journal}`;
}

/** What this machine reaches, and a pod on the first node that has one. */
export async function probeConnectivity(
  nodes: readonly string[],
  probe: InternetProbe,
  exec: Exec,
): Promise<Connectivity | undefined> {
  const [host, ready] = await Promise.all([probeHost(probe), isDnsReady(nodes, exec)]);
  for (const node of nodes) {
    const reach = await probeInternet(node, probe, ready, exec);
    if (reach !== undefined) return { ...reach, host };
  }
  return undefined;
}

const HOST_SECONDS = 6;

async function probeHost({ name, address, port }: InternetProbe): Promise<Connectivity["host"]> {
  const bounded = (asked: Promise<boolean>) =>
    Promise.race([asked, sleep(HOST_SECONDS * 1000, false, { ref: false })]).catch(() => false);
  const connects = new Promise<boolean>((resolve) => {
    const socket = createConnection({ host: address, port, timeout: HOST_SECONDS * 1000 });
    const end = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.on("connect", () => end(true));
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
  });
  const [reached, resolved] = await Promise.all([bounded(connects), bounded(lookup(name).then(() => true))]);
  return { address: reached, name: resolved };
}

/** Whether CoreDNS has a ready endpoint: one that is not up yet says nothing of the names. */
async function isDnsReady(nodes: readonly string[], exec: Exec): Promise<boolean> {
  for (const node of nodes) {
    const kubectl = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--namespace=kube-system"];
    const ready = "jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[*]}";
    const { stdout } = await exec({
      file: "docker",
      args: [
        ...["exec", node, ...kubectl, "get", "endpointslices"],
        ...["--selector=kubernetes.io/service-name=kube-dns", `--output=${ready}`],
      ],
      timeoutSeconds: 30,
      purpose: "looking at CoreDNS",
    }).catch((error: unknown) => {
      // A worker has no such kubeconfig.
      if (error instanceof CommandError) return { stdout: "" };
      throw error;
    });
    if (stdout.trim() !== "") return true;
  }
  return false;
}

/**
 * Looks out from a pod's network, without a pod of our own: an image could not be pulled for it where the internet is
 * missing. The node's shell enters the network of a pod that is there (CoreDNS), connects to the address, and asks
 * the cluster's DNS for the name, as every pod does.
 */
export async function probeInternet(
  node: string,
  probe: InternetProbe,
  asksNames: boolean,
  exec: Exec,
): Promise<Omit<Connectivity, "host"> | undefined> {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: [
        "exec",
        node,
        "bash",
        "-c",
        PROBE,
        "probe",
        asksNames ? probe.name : "",
        probe.address,
        String(probe.port),
      ],
      timeoutSeconds: 90,
      purpose: `looking out from a pod on ${node}`,
    });
    const seen = new Set(stdout.split("\n"));
    if (!seen.has("looked")) return undefined;
    return { probe, address: seen.has("address"), name: asksNames ? seen.has("name") : undefined };
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
