import { Failure } from "../../errors.ts";
import type { Exec } from "../../exec.ts";
import type { ClusterNode } from "../../values/nodes.ts";
import type { FastBoot } from "./plan.ts";

const MANIFESTS = "/etc/kubernetes/manifests";
const NODE_IPAM = "kube-controller-manager-node-ipam";

/** The node IPAM controller as a static pod of its own: nodes that join later get their subnets from it, as ever. */
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
export async function startNodeIpam(acceleration: FastBoot, nodes: readonly ClusterNode[], exec: Exec): Promise<void> {
  const controlPlane = nodes.find((node) => node.role === "control-plane");
  if (controlPlane === undefined) return;
  const { stdout } = await exec({
    file: "docker",
    args: ["exec", controlPlane.name, "cat", `${MANIFESTS}/kube-controller-manager.yaml`],
    timeoutSeconds: 60,
    purpose: "reading the controller manager's manifest",
  });
  const image = /^\s*image:\s*(\S+)\s*$/m.exec(stdout)?.[1];
  if (image === undefined) throw new Failure("The controller manager's manifest names no image.");
  await exec({
    file: "docker",
    args: ["exec", "--interactive", controlPlane.name, "cp", "/dev/stdin", `${MANIFESTS}/${NODE_IPAM}.yaml`],
    stdin: JSON.stringify(nodeIpamPod(acceleration, image)),
    timeoutSeconds: 60,
    purpose: "starting the node IPAM controller",
  });
}
