import { isIPv4 } from "node:net";
import semver from "semver";
import { Failure } from "../failure.ts";
import { CommandError, type Run } from "../process.ts";
import type { UserConfiguration } from "./configuration.ts";
import type { Kubectl } from "./kubectl.ts";
import type { ClusterNode } from "./names.ts";
import type { ClusterShape } from "./shape.ts";

/**
 * What is left out of a boot because it only waits. A control plane of one does not elect a leader (the first try
 * fails while RBAC's roles are still being made, the next comes seconds later), a cluster that lives as long as a job
 * does not need etcd to flush each write to the disk, the controllers' client need not be throttled while all of them
 * start at once, and before Kubernetes 1.31 the node IPAM controller sleeps for
 * ten seconds while every other controller waits for it: there it runs in a process of its own, and the nodes that the
 * run makes get their pod subnets from us.
 */
export interface Acceleration {
  /** Each node's pod subnet, by name, where we assign them; `undefined` where the controller manager does. */
  readonly podSubnets: ReadonlyMap<string, string> | undefined;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
}

/** The node IPAM controller polls at once from this version on (kubernetes/kubernetes, nodeipam's listNodes). */
const FIRST_WITHOUT_IPAM_STALL = "1.31.0";
/** From here on kind writes kubeadm's v1beta4, whose extraArgs are lists that a patch would replace. */
const FIRST_WITH_V1BETA4 = "1.36.0";

/**
 * Decides whether a boot can be accelerated without changing what the user asked for: one control plane, IPv4,
 * kubeadm's v1beta3, and no patch of the user's to the control plane's own configuration.
 */
export function planAcceleration(
  { nodes, podSubnet, serviceSubnet }: Pick<ClusterShape, "nodes" | "podSubnet" | "serviceSubnet">,
  user: UserConfiguration | undefined,
  kubernetes: string,
): Acceleration | undefined {
  const controlPlanes = nodes.filter((node) => node.role === "control-plane");
  if (controlPlanes.length !== 1 || semver.gte(kubernetes, FIRST_WITH_V1BETA4) || semver.lt(kubernetes, "1.23.0")) {
    return undefined;
  }
  if ((user?.networking.ipFamily ?? "ipv4") !== "ipv4" || patchesControlPlane(user)) return undefined;

  const stalls = semver.lt(kubernetes, FIRST_WITHOUT_IPAM_STALL);
  const podSubnets = stalls ? splitSubnet(podSubnet, nodes) : undefined;
  if (stalls && podSubnets === undefined) return undefined;
  return { podSubnets, podSubnet, serviceSubnet };
}

function patchesControlPlane(user: UserConfiguration | undefined): boolean {
  if (user === undefined) return false;
  const { document, nodes } = user;
  return [document, ...nodes].some((part) =>
    /controllerManager|scheduler|etcd|ClusterConfiguration|skipPhases/.test(
      JSON.stringify([part.kubeadmConfigPatches, part.kubeadmConfigPatchesJSON6902]),
    ),
  );
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
export function accelerationPatch({ podSubnets }: Acceleration): string {
  return JSON.stringify({
    kind: "ClusterConfiguration",
    controllerManager: {
      extraArgs: {
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
        ...(podSubnets === undefined ? {} : { controllers: "*,bootstrapsigner,tokencleaner,-nodeipam" }),
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
  if (podSubnets === undefined) return;
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
  await watch(kubectl, ["nodes"], signal, enough.signal, (line) => {
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

/** Follows objects by name, a line each, until there were enough of them or the run stops. */
async function watch(
  kubectl: Kubectl,
  objects: readonly string[],
  stop: AbortSignal,
  enough: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  try {
    await kubectl(["get", ...objects, "--watch", "--output=name"], {
      purpose: `watching ${objects[0]}`,
      timeoutSeconds: 1200,
      signal: AbortSignal.any([stop, enough]),
      onLine,
    });
  } catch (error) {
    if (!(enough.aborted && error instanceof CommandError)) throw error;
  }
}

const COREDNS = ["deployment", "coredns", "--namespace=kube-system"];

/**
 * Has CoreDNS asked each second whether it is ready. A kubelet that started less than a probe's period ago puts the
 * first probe off by a random part of that period (kubernetes/kubernetes, prober's worker), and CoreDNS's is ten
 * seconds. Its pods are made anew once, before there is a node that could run them.
 * @returns what puts the deployment's strategy back, to be called when the cluster is up.
 */
export async function hastenDns(kubectl: Kubectl, signal: AbortSignal): Promise<() => Promise<void>> {
  const there = new AbortController();
  await watch(kubectl, ["deployments", "--namespace=kube-system"], signal, there.signal, (line) => {
    if (line.endsWith("/coredns")) there.abort();
  });
  const { stdout } = await kubectl(["get", ...COREDNS, "--output=jsonpath={.spec.strategy}"], {
    purpose: "reading CoreDNS's strategy",
  });
  const strategy: unknown = JSON.parse(stdout);
  const patch = (spec: object) =>
    kubectl(["patch", ...COREDNS, `--patch=${JSON.stringify({ spec })}`], { purpose: "hastening CoreDNS's probe" });
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
  if (acceleration.podSubnets === undefined || controlPlane === undefined) return;
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
