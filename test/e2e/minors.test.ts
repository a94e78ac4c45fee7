import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { renderKindnetConfiguration } from "../../src/cluster/fast-boot/kindnet.ts";
import { isBuilt } from "../../testbed/catalog.ts";
import { isOfficial } from "../../testbed/machine.ts";
import { kubeletPatches, newestMinor } from "../../testbed/releases.ts";
import {
  type ActionRun,
  dockerLeftovers,
  eventually,
  machineOf,
  prepareRun,
  sh,
  volumes,
  volumesOf,
} from "./harness.ts";
import { reachEachOther } from "./neighbours.ts";

/** The guide's, one between, and the newest. The whole suite runs only on the first. */
const MINORS = ["1.28", "1.31", newestMinor()];

const CLUSTER = "e2e-minor";
const FILE = "/etc/cni/net.d/10-kindnet.conflist";
const MTU = "/sys/class/net/eth0/mtu";

/** On a bare machine Kubernetes is compiled first, for 10 minutes and more a version: too long for a plain `npm test`. */
async function skips(minor: string): Promise<string | false> {
  const builds = process.env.BUILDS !== "none" || minor === MINORS[0] || (await isOfficial()) || (await isBuilt(minor));
  return !builds && `Kubernetes ${minor} is not built on this machine yet: npm test -- minors builds it`;
}

for (const minor of MINORS) {
  describe(`two nodes of Kubernetes ${minor}`, { skip: await skips(minor) }, () => {
    let run: ActionRun;
    let result: Awaited<ReturnType<ActionRun["main"]>>;
    /** What each node had at the moment when the step ended. */
    let early: readonly Awaited<ReturnType<typeof observe>>[];

    before(async () => {
      const machine = machineOf(await raiseBedFor(minor, console.error));
      run = await prepareRun(machine, {
        "kubernetes-version": minor,
        "kind-config": JSON.stringify({
          kind: "Cluster",
          apiVersion: "kind.x-k8s.io/v1alpha4",
          name: CLUSTER,
          nodes: [{ role: "control-plane" }, { role: "worker" }],
          kubeadmConfigPatches: kubeletPatches(minor),
        }),
      });
      result = await run.main();
      early = result.exitCode === 0 ? await Promise.all(nodes.map(observe)) : [];
    });
    after(async () => {
      await run.post();
      await run.dispose();
    });

    const output = (name: string) => result.outputs[name] ?? assert.fail(`no output ${name}`);
    const kubectl = (...args: readonly string[]) =>
      sh(output("kubectl-path"), ["--kubeconfig", output("kubeconfig"), ...args]);
    const nodes = ["control-plane", "worker"].map((role) => `${CLUSTER}-${role}`);
    const inNode = (node: string, ...args: readonly string[]) => sh("docker", ["exec", node, ...args]);
    const observe = async (node: string) => {
      const [configuration, routes] = await Promise.all([inNode(node, "cat", FILE), inNode(node, "ip", "route")]);
      return { node, configuration, routes };
    };
    /** Whether kindnetd has written its own file: in its second round, ten seconds after its start. */
    const hasWritten = async (node: string) => {
      const script = `echo $(($(stat --format=%Y ${FILE}) - $(date +%s) + $(ps -o etimes= -p $(pgrep -o kindnetd))))`;
      return Number(await inNode(node, "sh", "-c", script)) >= 8;
    };

    it("succeeds at the first try, accelerated", () => {
      assert.equal(result.exitCode, 0, result.log.join("\n"));
      assert.equal(output("kubernetes-version").startsWith(`${minor}.`), true);
      const log = result.log.join("\n");
      assert.doesNotMatch(log, /Try 1|Fast boot not used/);
      assert.match(log, /The pods of 2 nodes are connected/);
    });

    it("has the pods of both nodes connected when the step ends: each reaches the other at the first try", async () => {
      await reachEachOther({ kubectl, nodes, temp: run.folders.temp });
    });

    it("has from the Action what kindnetd itself writes later, to the byte, and the same routes", async () => {
      assert.equal(early.length, 2);
      const connecting = (routes: string) => routes.split("\n").filter((line) => /^10\.244\..* via /.test(line));
      for (const [index, { node, configuration, routes }] of early.entries()) {
        const expected = renderKindnetConfiguration(`10.244.${index}.0/24`);
        assert.equal(configuration, expected.replace("%s", await inNode(node, "cat", MTU)).trim(), node);
        const others = connecting(routes);
        assert.equal(others.length, 1, routes);
        assert.ok(others[0]?.startsWith(`10.244.${1 - index}.0/24 via `), routes);
        await eventually("kindnetd has written its configuration", () => hasWritten(node));
        const later = await observe(node);
        assert.equal(later.configuration, configuration);
        assert.deepEqual(connecting(later.routes), others);
      }
    });

    it("gives the user a kubeconfig that the API server accepts", async () => {
      const user = ["--kubeconfig", output("user-kubeconfig")];
      assert.match(await sh(output("kubectl-path"), [...user, "auth", "can-i", "create", "pods"]), /yes/);
      assert.equal((await stat(output("client-key-path"))).mode & 0o777, 0o600);
      assert.match(await readFile(output("ca-certificate-path"), "utf8"), /BEGIN CERTIFICATE/);
    });

    it("gives a pod subnet to nodes that join later, by the node IPAM controller", async () => {
      const subnets = await kubectl("get", "nodes", "--output=jsonpath={.items[*].spec.podCIDR}");
      assert.equal(subnets, "10.244.0.0/24 10.244.1.0/24");
      const later = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "later" } });
      const file = join(run.folders.temp, "later.json");
      await writeFile(file, later);
      await kubectl("create", `--filename=${file}`);
      const subnet = () => kubectl("get", "node", "later", "--output=jsonpath={.spec.podCIDR}");
      await eventually("a node that joins later has a subnet", async () => (await subnet()) === "10.244.2.0/24");
    });

    it("is removed with everything that belongs to it", async () => {
      const own = await volumesOf(nodes);
      assert.notEqual(own.length, 0);
      const post = await run.post();
      assert.equal(post.exitCode, 0, post.log.join("\n"));
      assert.deepEqual(await dockerLeftovers(CLUSTER), []);
      const left = await volumes();
      assert.deepEqual(
        own.filter((volume) => left.includes(volume)),
        [],
      );
    });
  });
}

describe("a cluster whose pod network the user brings", () => {
  it("gets nothing of kindnetd's: no configuration, no route, and its node is not Ready", async () => {
    const machine = machineOf(await raiseBedFor(undefined, console.error));
    const run = await prepareRun(machine, {
      "kind-config": JSON.stringify({
        kind: "Cluster",
        apiVersion: "kind.x-k8s.io/v1alpha4",
        name: CLUSTER,
        networking: { disableDefaultCNI: true },
      }),
    });
    try {
      const { exitCode, log, outputs } = await run.main();
      assert.equal(exitCode, 0, log.join("\n"));
      assert.match(log.join("\n"), /disableDefaultCNI/);
      assert.doesNotMatch(log.join("\n"), /Fast boot not used|are connected/);
      const node = `${CLUSTER}-control-plane`;
      const kubectl = [outputs["kubectl-path"] ?? "", "--kubeconfig", outputs.kubeconfig ?? ""] as const;
      const [program, ...kubeconfig] = kubectl;
      const proxies = ["wait", "pods", "--namespace=kube-system", "--selector=k8s-app=kube-proxy"];
      await sh(program, [...kubeconfig, ...proxies, "--for=condition=Ready", "--timeout=60s"]);
      assert.equal(await sh("docker", ["exec", node, "find", "/etc/cni", "-type", "f"]), "");
      assert.match(await sh(program, [...kubeconfig, "get", "nodes", "--no-headers"]), /NotReady/);
    } finally {
      await run.post();
      await run.dispose();
    }
    assert.deepEqual(await dockerLeftovers(CLUSTER), []);
  });
});
