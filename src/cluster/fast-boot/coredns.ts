import { type Kubectl, watchObjects } from "../kubectl.ts";

const COREDNS = ["deployment", "coredns", "--namespace=kube-system"];

/**
 * Shortens the period of CoreDNS's readiness probe to one second. A kubelet that started less than a period ago delays the
 * first probe by a random part of it (kubernetes/kubernetes, prober's worker), and CoreDNS's period is ten seconds. Its
 * pods are created again once, before there is a node that could run them.
 * @returns a function that restores the deployment's strategy, to be called when the cluster is up.
 */
export async function shortenCoreDnsProbe(kubectl: Kubectl, signal: AbortSignal): Promise<() => Promise<void>> {
  const exists = new AbortController();
  await watchObjects(
    kubectl,
    ["deployments", "--namespace=kube-system", "--output=name"],
    { stop: signal, enough: exists.signal },
    (line) => {
      if (line.endsWith("/coredns")) exists.abort();
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
