import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { kindManifests } from "../../testbed/kind-manifests.ts";
import { kubeletPatches, newestMinor, releaseOf } from "../../testbed/releases.ts";
import { type ActionRun, dockerLeftovers, machineOf, prepareRun, sh } from "./harness.ts";
import { reachEachOther } from "./neighbours.ts";

const CLUSTER = "e2e-cni";
const POD_SUBNET = "10.99.0.0/16";

/** What a network plugin brings before its agents: a namespace, and a kind of its own. */
const DEFINITIONS = `
apiVersion: v1
kind: Namespace
metadata: { name: own-network }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: networks.own.example }
spec:
  group: own.example
  scope: Cluster
  names: { kind: Network, plural: networks, singular: network }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;

/** An object of that kind. */
const NETWORK = `
apiVersion: own.example/v1
kind: Network
metadata: { name: default }
spec: { podSubnet: ${POD_SUBNET} }
`;

/** Agents whose image cannot be pulled. */
const BROKEN_AGENTS = `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: own-network }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      hostNetwork: true
      tolerations: [{ operator: Exists }]
      containers: [{ name: agent, image: "127.0.0.1:9/agent:none" }]
`;

/** The agents of a network plugin of one's own: kind's, under another name, in another namespace and for other subnets. */
async function ownAgents(minor: string, cluster: string): Promise<string> {
  const { folder } = await kindManifests(releaseOf(minor).kind, console.error);
  const theirs = await readFile(join(folder, "default-cni.yaml"), "utf8");
  const endpoint = `- {name: CONTROL_PLANE_ENDPOINT, value: "${cluster}-control-plane:6443"}`;
  return theirs
    .replaceAll("kube-system", "own-network")
    .replaceAll(/\bkindnet\b/g, "own-network")
    .replace("{{ .PodSubnet }}", POD_SUBNET)
    .replace(/^( *)env:$/m, `$1env:\n$1${endpoint}`);
}

/** A run on a cluster that gets no plugin from kind, with these files in the workspace as its cni-manifests. */
async function prepare(
  minor: string,
  inputs: Readonly<Record<string, string>>,
  files: readonly string[],
): Promise<ActionRun> {
  const machine = machineOf(await raiseBedFor(minor, console.error));
  const names = files.map((_, index) => `network/${index}.yaml`);
  const run = await prepareRun(machine, {
    "kubernetes-version": minor,
    "cni-manifests": names.join("\n"),
    "kind-config": JSON.stringify({
      kind: "Cluster",
      apiVersion: "kind.x-k8s.io/v1alpha4",
      networking: { disableDefaultCNI: true, podSubnet: POD_SUBNET },
      kubeadmConfigPatches: kubeletPatches(minor),
    }),
    ...inputs,
  });
  await mkdir(join(run.folders.workspace, "network"));
  await Promise.all(files.map((text, index) => writeFile(join(run.folders.workspace, names[index] ?? ""), text)));
  return run;
}

for (const minor of ["1.28", newestMinor()]) {
  describe(`a network plugin of one's own on two nodes of Kubernetes ${minor}`, () => {
    let run: ActionRun;
    let result: Awaited<ReturnType<ActionRun["main"]>>;
    before(async () => {
      const files = [DEFINITIONS, `${NETWORK}---\n${await ownAgents(minor, CLUSTER)}`];
      run = await prepare(minor, { "cluster-name": CLUSTER }, files);
      result = await run.main();
    });
    after(async () => {
      await run.post();
      await run.dispose();
      assert.deepEqual(await dockerLeftovers(CLUSTER), []);
    });
    const output = (name: string) => result.outputs[name] ?? assert.fail(`no output ${name}`);
    const kubectl = (...args: readonly string[]) =>
      sh(output("kubectl-path"), ["--kubeconfig", output("kubeconfig"), ...args]);

    it("is applied in the order of the files, at the first try, with the fast boot", () => {
      assert.equal(result.exitCode, 0, result.log.join("\n"));
      const log = result.log.join("\n");
      assert.match(log, /Network plugin applied: .*network\/0\.yaml, .*network\/1\.yaml/);
      assert.doesNotMatch(log, /Try 1|Fast boot not used/);
      assert.match(log, /Pod network +\S+network\/0\.yaml/);
    });

    it("is waited for with everything else: every node is Ready and CoreDNS available when the step ends", async () => {
      assert.match(result.log.join("\n"), /Ready: every node, CoreDNS/);
      const nodes = (await kubectl("get", "nodes", "--no-headers")).split("\n");
      assert.equal(nodes.filter((line) => /\sReady\s/.test(line)).length, 2, nodes.join("\n"));
      assert.equal(await kubectl("get", "networks.own.example", "--output=name"), "network.own.example/default");
    });

    it("is the only one: nothing of kindnetd's is in the cluster, and the Action connects no pods itself", async () => {
      assert.doesNotMatch(result.log.join("\n"), /are connected|left to kindnetd/);
      assert.equal(await kubectl("get", "daemonsets", "--all-namespaces", "--selector=app=kindnet"), "");
    });

    it("connects the pods of both nodes, in the subnets of the user", async () => {
      const nodes = ["control-plane", "worker"].map((role) => `${CLUSTER}-${role}`);
      const addresses = await reachEachOther({ kubectl, nodes, temp: run.folders.temp });
      for (const address of addresses) assert.match(address, /^10\.99\./);
    });
  });
}

describe("a network plugin that cannot be installed", { concurrency: true }, () => {
  it("ends the step with kubectl's words if a file is refused, and is not tried again", async () => {
    // Both files are sound; the order is not.
    const run = await prepare("1.28", { "cluster-name": `${CLUSTER}-refused`, workers: "0" }, [NETWORK, DEFINITIONS]);
    try {
      const { exitCode, log } = await run.main();
      const words = log.join("\n");
      assert.equal(exitCode, 1, words);
      assert.match(words, /network\/0\.yaml: applying the cni-manifests: .*no matches for kind "Network"/s);
      assert.match(words, /Fix: fix the manifest that kubectl names/);
      assert.doesNotMatch(words, /Try 1/);
    } finally {
      await run.post();
      await run.dispose();
    }
    assert.deepEqual(await dockerLeftovers(`${CLUSTER}-refused`), []);
  });

  it("ends the step with its pods' state if they do not run, in whatever namespace, and nothing in the node's place for plugins", async () => {
    const cluster = `${CLUSTER}-broken`;
    const inputs = { "cluster-name": cluster, workers: "0", wait: "10s", attempts: "1" };
    const run = await prepare("1.28", inputs, [DEFINITIONS, BROKEN_AGENTS]);
    try {
      const { exitCode, log } = await run.main();
      const words = log.join("\n");
      assert.equal(exitCode, 1, words);
      assert.match(words, /The cluster was not ready/);
      assert.match(words, /Pod own-network\/agent-\w+ is not running: (?:ErrImagePull|ImagePullBackOff)/);
      assert.match(words, new RegExp(`Node ${cluster}-control-plane is not Ready`));
      assert.match(words, /Fix: check that the cni-manifests fit this cluster/);
      assert.equal(await sh("docker", ["exec", `${cluster}-control-plane`, "find", "/etc/cni", "-type", "f"]), "");
    } finally {
      await run.post();
      await run.dispose();
    }
    assert.deepEqual(await dockerLeftovers(cluster), []);
  });
});
