import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, sh } from "./harness.ts";

const READY = '{.status.conditions[?(@.type=="Ready")].status}';
const PORT = "8181";

/** A server on every node, of an image that every node has: CoreDNS, which answers /health. */
const SERVERS = (image: string) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: neighbours, namespace: default }
data:
  Corefile: |
    .:8053 {
      health :${PORT}
    }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: neighbours, namespace: default }
spec:
  selector: { matchLabels: { app: neighbours } }
  template:
    metadata: { labels: { app: neighbours } }
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{ operator: Exists }]
      containers:
        - name: server
          image: ${image}
          args: [-conf, /etc/neighbours/Corefile]
          readinessProbe: { httpGet: { path: /health, port: ${PORT} }, periodSeconds: 1 }
          volumeMounts: [{ name: configuration, mountPath: /etc/neighbours }]
      volumes: [{ name: configuration, configMap: { name: neighbours } }]
`;

/** A cluster of two nodes, and where files may be put. */
export interface TwoNodes {
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  readonly nodes: readonly string[];
  readonly temp: string;
}

/** Runs a pod on each of the two nodes, and has each reach the other at the first try. @returns the pods' addresses. */
export async function reachEachOther({ kubectl, nodes, temp }: TwoNodes): Promise<readonly string[]> {
  const inNode = (node: string, ...args: readonly string[]) => sh("docker", ["exec", node, ...args]);
  const image = await kubectl(
    ...["get", "deployment", "coredns", "--namespace=kube-system"],
    "--output=jsonpath={.spec.template.spec.containers[0].image}",
  );
  const file = join(temp, "servers.yaml");
  await writeFile(file, SERVERS(image));
  await kubectl("apply", `--filename=${file}`);
  const pods = async () =>
    (
      await kubectl(
        ...["get", "pods", "--selector=app=neighbours"],
        `--output=jsonpath={range .items[*]}{.spec.nodeName} {.status.podIP} ${READY}{"\\n"}{end}`,
      )
    )
      .split("\n")
      .filter((line) => line.endsWith(" True"));
  await eventually("both pods serve", async () => (await pods()).length === 2);
  const addresses = new Map((await pods()).map((line) => [line.split(" ")[0], line.split(" ")[1] ?? ""]));
  await Promise.all(
    nodes.map(async (node, index) => {
      const other = addresses.get(nodes[1 - index]) ?? assert.fail(`no pod on the other node of ${node}`);
      const pid = await inNode(node, "pgrep", "-f", "/etc/neighbours/Corefile");
      const curl = ["curl", "--silent", "--show-error", "--max-time", "20", `http://${other}:${PORT}/health`];
      assert.equal(await inNode(node, "nsenter", `--target=${pid}`, "--net", ...curl), "OK", node);
    }),
  );
  return nodes.map((node) => addresses.get(node) ?? "");
}
