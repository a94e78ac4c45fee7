import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
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

const CLUSTER = "e2e-three";
const BALANCER = `${CLUSTER}-external-load-balancer`;
const NODES = ["control-plane", "control-plane2", "control-plane3"].map((role) => `${CLUSTER}-${role}`);

describe("three control planes of the newest Kubernetes, behind Envoy", () => {
  let run: ActionRun;
  let result: Awaited<ReturnType<ActionRun["main"]>>;

  before(async () => {
    const minor = newestMinor();
    const machine = machineOf(await raiseBedFor(minor, console.error));
    run = await prepareRun(machine, {
      "cluster-name": CLUSTER,
      "kubernetes-version": minor,
      "control-planes": "3",
      workers: "0",
      "kind-config": JSON.stringify({
        kind: "Cluster",
        apiVersion: "kind.x-k8s.io/v1alpha4",
        kubeadmConfigPatches: kubeletPatches(minor),
      }),
    });
    result = await run.main();
  });
  after(async () => {
    await run.post();
    await run.dispose();
  });

  const output = (name: string) => result.outputs[name] ?? assert.fail(`no output ${name}`);
  const kubectl = (...args: readonly string[]) =>
    sh(output("kubectl-path"), ["--kubeconfig", output("kubeconfig"), "--request-timeout=5s", ...args]);

  const readyStatus = () =>
    kubectl("get", "nodes", "--output=jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}");

  it("are ready", async () => {
    assert.equal(result.exitCode, 0, result.log.join("\n"));
    assert.equal(await readyStatus(), "True True True");
  });

  it("are reached through kind's Envoy, whose image the run had before", async () => {
    const format = '{{.Config.Image}} {{(index .NetworkSettings.Ports "6443/tcp" 0).HostPort}}';
    const [image = "", port = ""] = (await sh("docker", ["inspect", "--format", format, BALANCER])).split(" ");
    assert.match(image, /^docker\.io\/envoyproxy\/envoy:v|^envoyproxy\/envoy:v/);
    const server = await kubectl("config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}");
    assert.equal(new URL(server).port, port);
    assert.ok(
      result.log.some((line) => line.includes("envoyproxy/envoy:v")),
      "the log names the image",
    );
  });

  it("answer while one of them is stopped, and take it back", async () => {
    const answers = () =>
      kubectl("get", "--raw", "/readyz").then(
        (text) => text === "ok",
        () => false,
      );
    await sh("docker", ["stop", "-t", "1", NODES[2] ?? ""]);
    await eventually("Envoy has found that one is gone", async () => {
      for (let times = 0; times < 6; times += 1) if (!(await answers())) return false;
      return true;
    });
    await sh("docker", ["start", NODES[2] ?? ""]);
    await eventually(
      "all are ready",
      async () => (await readyStatus().catch(() => "")) === "True True True",
      180,
      1000,
    );
  });

  it("are removed with their load balancer and everything that belongs to them", async () => {
    const containers = await dockerLeftovers(CLUSTER);
    assert.deepEqual(containers.toSorted(), [...NODES, BALANCER].toSorted());
    const owned = await volumesOf(containers);
    const post = await run.post();
    assert.equal(post.exitCode, 0, post.log.join("\n"));
    assert.deepEqual(await dockerLeftovers(CLUSTER), []);
    const left = await volumes();
    assert.deepEqual(
      owned.filter((volume) => left.includes(volume)),
      [],
    );
  });
});
