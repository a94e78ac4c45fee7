import { execInContainer } from "../../docker/containers.ts";
import { Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { ClusterNode } from "../../values/nodes.ts";
import type { FastBoot } from "./plan.ts";

const MANIFESTS = "/etc/kubernetes/manifests";
const NODE_IPAM = "kube-controller-manager-node-ipam";
/** Writes a manifest at once: the kubelet ignores files whose names begin with a dot, and never sees half of one. */
const PLACE_MANIFEST = `umask 077; cd ${MANIFESTS} && printf %s "$1" >.${NODE_IPAM} && mv .${NODE_IPAM} ${NODE_IPAM}.yaml`;

/** The node IPAM controller as a static pod of its own: nodes that join later get their subnets from it. */
export function nodeIpamPod({ podSubnet, serviceSubnet }: FastBoot, image: string): object {
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
            // Only the node controller's own role may patch nodes.
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

/** Starts the node IPAM controller when the cluster is up, and nothing waits for it. */
export async function startNodeIpam(fastBoot: FastBoot, nodes: readonly ClusterNode[], exec: Exec): Promise<void> {
  const controlPlane = nodes.find((node) => node.role === "control-plane");
  if (controlPlane === undefined) return;
  const { stdout } = await execInContainer(
    controlPlane.name,
    ["cat", `${MANIFESTS}/kube-controller-manager.yaml`],
    { timeoutSeconds: 60, purpose: "reading the controller manager's manifest" },
    exec,
  );
  const image = /^\s*image:\s*(\S+)\s*$/m.exec(stdout)?.[1];
  if (image === undefined) throw new Failure("The controller manager's manifest does not name an image.");
  await execInContainer(
    controlPlane.name,
    ["sh", "-c", PLACE_MANIFEST, "sh", JSON.stringify(nodeIpamPod(fastBoot, image))],
    { timeoutSeconds: 60, purpose: "starting the node IPAM controller" },
    exec,
  );
}
