import { isIPv4 } from "node:net";
import semver from "semver";
import { Failure } from "../failure.ts";
import type { Run } from "../process.ts";
import { isRecord, patchesOf, readPatch, splitDocuments, type UserConfiguration } from "./configuration.ts";
import { type Kubectl, watchObjects } from "./kubectl.ts";
import type { ClusterNode } from "./names.ts";
import type { ClusterShape } from "./shape.ts";

/**
 * What is left out of a boot because it only waits. A control plane of one does not elect a leader (the first try
 * fails while RBAC's roles are still being made, the next comes seconds later), a cluster that lives as long as a job
 * does not need etcd to flush each write to the disk, and the controllers' client need not be throttled while all of
 * them start at once. Before Kubernetes 1.31 the node IPAM controller sleeps for ten seconds while every other
 * controller waits for it: it runs in a process of its own, and the nodes that the run creates get their pod subnets
 * from us. So these are known before a node has registered, on every version, and the pod network need not wait either.
 */
export interface Acceleration {
  /** Each node's pod subnet, by name. */
  readonly podSubnets: ReadonlyMap<string, string>;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** Whether the nodes' pods are connected before kindnetd does so; only beside kube-proxy's rules for iptables. */
  readonly connectsPods: boolean;
}

/** How a cluster boots: accelerated, or kind's plain way, with the reason. */
export type BootMode = { readonly acceleration: Acceleration } | { readonly plainBecause: string };

/** From here on kubeadm understands every flag that the patch sets. */
const FIRST_SUPPORTED = "1.23.0";

/**
 * Decides whether a boot can be accelerated without changing what the user asked for: one control plane, IPv4, and no
 * patch of the user's to the components that the acceleration configures. The patch has no apiVersion and maps as
 * extraArgs: kind merges that into kubeadm's v1beta3 as it is, and into v1beta4 by name (kind's
 * pkg/internal/patch/kubeadm_merge.go; every release that lists a version with v1beta4 does so).
 */
export function planBoot(
  {
    nodes,
    podSubnet,
    serviceSubnet,
    defaultCni,
  }: Pick<ClusterShape, "nodes" | "podSubnet" | "serviceSubnet" | "defaultCni">,
  user: UserConfiguration | undefined,
  kubernetes: string,
): BootMode {
  const controlPlanes = nodes.filter((node) => node.role === "control-plane");
  if (controlPlanes.length !== 1) return { plainBecause: "several control planes elect a leader" };
  if (semver.lt(kubernetes, FIRST_SUPPORTED)) return { plainBecause: `Kubernetes is older than ${FIRST_SUPPORTED}` };
  const family = user?.networking.ipFamily ?? "ipv4";
  if (family !== "ipv4") return { plainBecause: `networking.ipFamily is ${family}` };
  const patched = findControlPlanePatch(user);
  if (patched !== undefined) return { plainBecause: `kind-config has a kubeadm patch to ${patched}` };
  const podSubnets = splitSubnet(podSubnet, nodes);
  if (podSubnets === undefined) return { plainBecause: `${podSubnet} has no /24 for each node` };
  const connectsPods = defaultCni && setsIptables(user);
  return { acceleration: { podSubnets, podSubnet, serviceSubnet, connectsPods } };
}

/** Whether kube-proxy sets rules for iptables: kind's default, and not patched. */
function setsIptables(user: UserConfiguration | undefined): boolean {
  if (user === undefined) return true;
  const parts = [user.document, ...user.nodes];
  const patches = parts.flatMap((part) => [part.kubeadmConfigPatches, part.kubeadmConfigPatchesJSON6902]);
  const patched = patches.some((each) => /KubeProxyConfiguration/.test(JSON.stringify(each ?? "")));
  return (user.networking.kubeProxyMode ?? "iptables") === "iptables" && !patched;
}

/** What a ClusterConfiguration may say without touching what the acceleration configures. */
const UNRELATED = ["kind", "apiVersion", "metadata", "apiServer"];

/** What of the control plane's own configuration the user patches, for a message. */
function findControlPlanePatch(user: UserConfiguration | undefined): string | undefined {
  if (user === undefined) return undefined;
  const parts = [user.document, ...user.nodes];
  const patches = parts.flatMap((part) => patchesOf(part.kubeadmConfigPatches)).flatMap(splitDocuments);
  const fields = patches.map(readPatch).flatMap((patch) => {
    if (!isRecord(patch)) return [];
    if (patch.kind === "InitConfiguration") return "skipPhases" in patch ? ["skipPhases"] : [];
    return patch.kind === "ClusterConfiguration" ? Object.keys(patch).filter((key) => !UNRELATED.includes(key)) : [];
  });
  const json = parts.map((part) => JSON.stringify(part.kubeadmConfigPatchesJSON6902 ?? ""));
  const words = json.flatMap((text) => /ClusterConfiguration|skipPhases/.exec(text)?.[0] ?? []);
  return [...fields, ...words][0];
}

/** A /24 of an IPv4 subnet for each node, as the node IPAM controller would cut them; its first is the control plane's. */
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

/** The kubeadm patch of an accelerated boot. */
export function accelerationPatch(): string {
  return JSON.stringify({
    kind: "ClusterConfiguration",
    controllerManager: {
      extraArgs: {
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
        controllers: "*,bootstrapsigner,tokencleaner,-nodeipam",
      },
    },
    scheduler: { extraArgs: { "leader-elect": "false" } },
    etcd: { local: { extraArgs: { "unsafe-no-fsync": "true" } } },
  });
}

/**
 * Gives each node its pod subnet as soon as it registers. The node IPAM controller, when it comes, takes a subnet that
 * a node has for given.
 */
export async function assignPodSubnets(
  { podSubnets }: Acceleration,
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
  await watchObjects(kubectl, ["nodes", "--output=name"], signal, enough.signal, (line) => {
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

const COREDNS = ["deployment", "coredns", "--namespace=kube-system"];

/**
 * Has CoreDNS asked each second whether it is ready. A kubelet that started less than a probe's period ago puts the
 * first probe off by a random part of that period (kubernetes/kubernetes, prober's worker), and CoreDNS's is ten
 * seconds. Its pods are created again once, before there is a node that could run them.
 * @returns what puts the deployment's strategy back, to be called when the cluster is up.
 */
export async function shortenCoreDnsProbe(kubectl: Kubectl, signal: AbortSignal): Promise<() => Promise<void>> {
  const there = new AbortController();
  await watchObjects(
    kubectl,
    ["deployments", "--namespace=kube-system", "--output=name"],
    signal,
    there.signal,
    (line) => {
      if (line.endsWith("/coredns")) there.abort();
    },
  );
  const { stdout } = await kubectl(["get", ...COREDNS, "--output=jsonpath={.spec.strategy}"], {
    purpose: "reading CoreDNS's strategy",
  });
  const strategy: unknown = JSON.parse(stdout);
  const patch = (spec: object) =>
    kubectl(["patch", ...COREDNS, `--patch=${JSON.stringify({ spec })}`], {
      purpose: "shortening CoreDNS's probe period",
    });
  const containers = [{ name: "coredns", readinessProbe: { periodSeconds: 1 } }];
  await patch({ strategy: { type: "Recreate", rollingUpdate: null }, template: { spec: { containers } } });
  return async () => {
    await patch({ strategy });
  };
}

const MANIFESTS = "/etc/kubernetes/manifests";
const NODE_IPAM = "kube-controller-manager-node-ipam";

/** The node IPAM controller as a static pod of its own: nodes that join later get their subnets from it, as ever. */
export function nodeIpamPod({ podSubnet, serviceSubnet }: Acceleration, image: string): object {
  const config = "/etc/kubernetes/controller-manager.conf";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: NODE_IPAM,
      namespace: "kube-system",
      labels: { component: NODE_IPAM, tier: "control-plane" },
    },
    spec: {
      hostNetwork: true,
      priorityClassName: "system-node-critical",
      containers: [
        {
          name: "node-ipam",
          image,
          imagePullPolicy: "IfNotPresent",
          command: [
            "kube-controller-manager",
            "--controllers=nodeipam",
            // The role that may patch nodes is the node controller's own.
            "--use-service-account-credentials=true",
            "--allocate-node-cidrs=true",
            `--cluster-cidr=${podSubnet}`,
            `--service-cluster-ip-range=${serviceSubnet}`,
            `--kubeconfig=${config}`,
            "--leader-elect=false",
            "--secure-port=0",
          ],
          resources: { requests: { cpu: "10m" } },
          volumeMounts: [{ name: "kubeconfig", mountPath: config, readOnly: true }],
        },
      ],
      volumes: [{ name: "kubeconfig", hostPath: { path: config, type: "File" } }],
    },
  };
}

/** Starts the node IPAM controller, once the cluster is up and nothing waits for it. */
export async function startNodeIpam(
  acceleration: Acceleration,
  nodes: readonly ClusterNode[],
  run: Run,
): Promise<void> {
  const controlPlane = nodes.find((node) => node.role === "control-plane");
  if (controlPlane === undefined) return;
  const { stdout } = await run({
    file: "docker",
    args: ["exec", controlPlane.name, "cat", `${MANIFESTS}/kube-controller-manager.yaml`],
    timeoutSeconds: 60,
    purpose: "reading the controller manager's manifest",
  });
  const image = /^\s*image:\s*(\S+)\s*$/m.exec(stdout)?.[1];
  if (image === undefined) throw new Failure("The controller manager's manifest names no image.");
  await run({
    file: "docker",
    args: ["exec", "--interactive", controlPlane.name, "cp", "/dev/stdin", `${MANIFESTS}/${NODE_IPAM}.yaml`],
    stdin: JSON.stringify(nodeIpamPod(acceleration, image)),
    timeoutSeconds: 60,
    purpose: "starting the node IPAM controller",
  });
}
