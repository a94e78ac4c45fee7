import { type Kubectl, watchObjects } from "../kubectl.ts";

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
