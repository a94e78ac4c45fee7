/** A node of the cluster, under the name that kind gives its container. */
export interface ClusterNode {
  readonly name: string;
  readonly role: "control-plane" | "worker";
}

/** The names that kind gives: the first node of a role has no number, the next ones are numbered from 2. */
export function nameNodes(cluster: string, roles: readonly ClusterNode["role"][]): readonly ClusterNode[] {
  const seen = { "control-plane": 0, worker: 0 };
  return roles.map((role) => {
    seen[role] += 1;
    return { name: `${cluster}-${role}${seen[role] === 1 ? "" : seen[role]}`, role };
  });
}

/** The container that distributes requests to the control planes; kind creates it if there are two or more. */
export function loadBalancerName(cluster: string): string {
  return `${cluster}-external-load-balancer`;
}

/** The names of all containers that kind creates for a cluster. */
export function nodeNames(cluster: string, nodes: readonly ClusterNode[]): readonly string[] {
  const balanced = nodes.filter((node) => node.role === "control-plane").length > 1;
  return [...nodes.map((node) => node.name), ...(balanced ? [loadBalancerName(cluster)] : [])];
}

/** Whether kind gives this name to a node of the cluster, or to its load balancer. */
export function isNodeName(name: string, cluster: string): boolean {
  const own = name.startsWith(`${cluster}-`) ? name.slice(cluster.length + 1) : "";
  return /^(?:control-plane|worker)\d*$/.test(own) || name === loadBalancerName(cluster);
}

/** kind's name for a cluster's context in a kubeconfig. */
export function contextName(cluster: string): string {
  return `kind-${cluster}`;
}

/** The API server's address in kind's Docker network: with several control planes the load balancer's. */
export function internalEndpoint(cluster: string, nodes: readonly ClusterNode[]): string {
  const controlPlanes = nodes.filter((node) => node.role === "control-plane");
  const host = controlPlanes.length > 1 ? loadBalancerName(cluster) : (controlPlanes[0]?.name ?? cluster);
  return `https://${host}:6443`;
}
