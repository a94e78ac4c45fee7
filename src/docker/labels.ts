import { Failure } from "../errors.ts";
import type { Exec } from "../exec.ts";
import { listLabelNames } from "./images.ts";

/** What kind puts on every container of a cluster, with the cluster's name. */
export const KIND_CLUSTER_LABEL = "io.x-k8s.kind.cluster";

/** What TORCH-V2's containers, networks and volumes have: the run that created them. */
export const TORCH_RUN_LABEL = "kind-torch.run";

/** What everything that a run creates beside its cluster has besides: the name of the cluster that it was created for. */
export const RUN_CLUSTER_LABEL = "kind-torch.cluster";

/** What the registry beside a cluster has: the run that created it. */
export const REGISTRY_RUN_LABEL = "kind-torch.registry";

/** What the provider of load balancers and each load balancer have: the run that started the provider. */
export const LOAD_BALANCER_RUN_LABEL = "kind-torch.load-balancer";

/**
 * Labels by which kind, Docker Desktop and this Action know containers as their own. A container has those of its image
 * too, and kind runs privileged commands in whatever has its own (kind's pkg/cluster/constants and provider/docker).
 */
const RESERVED = ["io.x-k8s.kind.", "desktop.docker.io/", "kind-torch."] as const;

/** Whether a label says of its container what only kind, Docker Desktop or this Action may say. */
export function isReservedLabel(name: string): boolean {
  return RESERVED.some((prefix) => name.startsWith(prefix));
}

/** The labels that a service of a checkout may set. */
export function withoutReservedLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !isReservedLabel(name)));
}

/** Looks at images before a container is created from them. @throws Failure naming the image and the label. */
export async function refuseReservedLabels(images: readonly string[], exec: Exec): Promise<void> {
  for (const image of new Set(images)) {
    const reserved = (await listLabelNames(image, exec)).filter(isReservedLabel);
    if (reserved.length === 0) continue;
    throw new Failure(
      `The image ${image} has the label ${reserved.join(", ")}: its containers would be taken for a cluster's nodes, or for another run's.`,
      { fix: "remove the LABEL line from its Dockerfile, or from that of the image it is built on", retryable: false },
    );
  }
}
