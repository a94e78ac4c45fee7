import { retryCommand } from "../cluster/command-retry.ts";
import type { Kubectl } from "../cluster/kubectl.ts";
import type { RegistryPlan } from "./plan.ts";

/**
 * The ConfigMap by which tools find the registry (KEP-1755, "Communicating a local registry").
 * @param resolvable whether pods resolve the names of Docker's networks.
 */
export function planHosting({ address, inNetwork }: RegistryPlan, resolvable: boolean): object {
  const lines = [
    `host: ${JSON.stringify(address)}`,
    ...(resolvable ? [`hostFromClusterNetwork: ${JSON.stringify(inNetwork)}`] : []),
    'help: "https://kind.sigs.k8s.io/docs/user/local-registry/"',
  ];
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "local-registry-hosting", namespace: "kube-public" },
    data: { "localRegistryHosting.v1": `${lines.join("\n")}\n` },
  };
}

/** Says in the cluster where the registry is. The namespace is the API server's own, created moments after it answers. */
export async function announceRegistry(
  plan: RegistryPlan,
  resolvable: boolean,
  kubectl: Kubectl,
  signal: AbortSignal,
): Promise<void> {
  await retryCommand(
    () =>
      kubectl(["apply", "--validate=false"], {
        purpose: "creating the ConfigMap local-registry-hosting",
        manifest: planHosting(plan, resolvable),
      }),
    { everyMilliseconds: 500, forMilliseconds: 60_000, signal },
  );
}
