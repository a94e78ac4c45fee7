import type { Kubectl } from "../../cluster/kubectl.ts";
import { type KubernetesEvent, type KubernetesObject, readEvents, readObjects } from "./kubernetes.ts";

/** What a template has in the cluster, as kubectl prints it. */
export interface WorkloadSnapshot {
  readonly deployments: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
  readonly pods: readonly KubernetesObject[];
  readonly events: readonly KubernetesEvent[];
}

/** What it has in each cluster, by the clusters' names. */
export type Workloads = ReadonlyMap<string, WorkloadSnapshot>;

/** The namespaces of a template: its own, and one for each of its nodes that is a federation. */
export function listNamespaces(template: string, nodes: readonly string[]): ReadonlySet<string> {
  return new Set([template, ...nodes.map((node) => `${template}-${node}`)]);
}

/** The names of a cluster's namespaces. */
export async function readNamespaces(kubectl: Kubectl): Promise<ReadonlySet<string>> {
  const names = "--output=jsonpath={.items[*].metadata.name}";
  const { stdout } = await kubectl(["get", "namespaces", names], { purpose: "looking for namespaces" });
  return new Set(stdout.split(" "));
}

/** Looks at what a template has in each cluster. */
export async function readWorkloads(
  template: string,
  nodes: readonly string[],
  clusters: readonly { readonly name: string; readonly kubectl: Kubectl }[],
): Promise<Workloads> {
  const read = clusters.map(async ({ name, kubectl }) => [name, await readWorkload(template, nodes, kubectl)] as const);
  return new Map(await Promise.all(read));
}

/** Looks at what a template has in a cluster. */
export async function readWorkload(
  template: string,
  nodes: readonly string[],
  kubectl: Kubectl,
): Promise<WorkloadSnapshot> {
  const get = async (kinds: string, ...selector: readonly string[]) => {
    const { stdout } = await kubectl(["get", kinds, "--all-namespaces", "--output=json", ...selector], {
      purpose: `looking at the ${kinds} of ${template}`,
    });
    return stdout;
  };
  const [objects, events] = await Promise.all([
    get("deployments,services,pods").then(readObjects),
    get("events", "--field-selector=type=Warning").then(readEvents),
  ]);
  const namespaces = listNamespaces(template, nodes);
  const own = objects.filter(({ metadata }) => namespaces.has(metadata.namespace ?? ""));
  const ofKind = (kind: string) => own.filter((object) => object.kind === kind);
  return {
    deployments: ofKind("Deployment"),
    services: ofKind("Service"),
    pods: ofKind("Pod"),
    events: events.filter(({ involvedObject }) => namespaces.has(involvedObject.namespace ?? "")),
  };
}

/** How long a container must have run before it counts, in seconds: one that ends at once is available for a moment. */
const SETTLED_SECONDS = 3;

/** The same for a container that has ended before. */
const RECOVERED_SECONDS = 15;

/** Why the applications of a template do not all run yet; `undefined` once they do. @param now the time, in milliseconds. */
export function notRunningReason(
  { deployments, pods }: WorkloadSnapshot,
  applications: readonly string[],
  now: number,
): string | undefined {
  const names = new Set(deployments.map(({ metadata }) => metadata.name));
  const missing = applications.filter((node) => !names.has(`${node}-deployment`));
  if (missing.length > 0) return `there is no Deployment of ${missing.join(", ")}`;
  const unavailable = deployments.flatMap((deployment) => unavailableReason(deployment) ?? []);
  if (unavailable.length > 0) return unavailable.join("; ");
  const young = pods.flatMap(({ metadata, status }) =>
    (status?.containerStatuses ?? [])
      .filter(({ state, restartCount = 0 }) => {
        const startedAt = Date.parse(state?.running?.startedAt ?? "");
        const seconds = restartCount > 0 ? RECOVERED_SECONDS : SETTLED_SECONDS;
        // Written so that a time that cannot be read (NaN) counts as young.
        return !(now - startedAt >= seconds * 1000);
      })
      .map(({ name }) => `the container ${name} of ${metadata.name} has only just started`),
  );
  return young.length > 0 ? young.join("; ") : undefined;
}

/** Why a Deployment is not available; `undefined` if it is. */
export function unavailableReason({ metadata, spec, status }: KubernetesObject): string | undefined {
  const wanted = spec?.replicas ?? 1;
  const available = status?.availableReplicas ?? 0;
  const current = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  if (current && available >= wanted) return undefined;
  return `${metadata.name}: ${available} of ${wanted} pods are available`;
}
