import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorOf, expectStopped, fault, logOf } from "./fault.ts";
import { eventually, sh } from "./harness.ts";
import { runWith, startWith, stopWhen } from "./step.ts";

const AREA = "Nodes";
const OTHER_CLOCK = join(import.meta.dirname, "clock.ts");

/** A machine whose clock differs from that of the engine's. */
const withClock = (seconds: number) =>
  startWith({ CLOCK_OFFSET_SECONDS: String(seconds) }, (file, args) => [file, [`--import=${OTHER_CLOCK}`, ...args]]);

const runsKubeadm = (node: string) => sh("docker", ["exec", node, "pidof", "kubeadm"]).then(Boolean, () => false);

fault(
  {
    area: AREA,
    cause: "a control plane's container is killed, once (docker kill)",
    when: "while kubeadm runs in it",
    sees: "a line of the log: the first try failed, and the second succeeds",
    seconds: 300,
    long: true,
  },
  async ({ cluster, prepare }) => {
    const node = `${cluster}-control-plane`;
    const run = await prepare();
    const result = await runWith(
      run,
      () => runsKubeadm(node),
      () => sh("docker", ["kill", node]),
    );
    assert.equal(result.exitCode, 0, logOf(result));
    assert.match(logOf(result), /Try 1 of 2 failed/);
    assert.doesNotMatch(logOf(result), /^::error/m);
  },
);

fault(
  {
    area: AREA,
    cause: "a worker's container is killed, with attempts: 1",
    when: "while kubeadm joins it",
    sees: "one error that names the node, its exit code 137 and the signal",
    seconds: 180,
    long: true,
  },
  async ({ cluster, prepare }) => {
    const node = `${cluster}-worker`;
    const run = await prepare({ workers: "1", attempts: "1" });
    const result = await runWith(
      run,
      () => runsKubeadm(node),
      () => sh("docker", ["kill", node]),
    );
    assert.match(errorOf(result), new RegExp(`container of a node ended .*: ${node} \\(exit code 137, SIGKILL\\)`));
  },
);

fault(
  {
    area: AREA,
    cause: "a worker's container is killed, with attempts: 1",
    when: "while the step waits for its pod network",
    sees: "the same error some seconds later, not only once wait is over",
    seconds: 180,
  },
  async ({ cluster, prepare }) => {
    const node = `${cluster}-worker`;
    const run = await prepare({
      workers: "1",
      attempts: "1",
      "kind-config":
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking: {disableDefaultCNI: true}\nnodes: [{role: control-plane}, {role: worker}]\n",
      "cni-manifests": "cni.yaml",
      wait: "10m",
    });
    const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "no-network", namespace: "default" } };
    await writeFile(join(run.folders.workspace, "cni.yaml"), JSON.stringify(manifest));
    let joined = false;
    const onLine = (line: string) => {
      joined ||= line.includes("✓ Joining worker nodes");
    };
    const kill = () => sh("docker", ["kill", node]);
    const result = await runWith(run, async () => joined, kill, { onLine });
    assert.match(errorOf(result), new RegExp(`container of a node ended .*: ${node} \\(exit code 137, SIGKILL\\)`));
  },
);

fault(
  {
    area: AREA,
    cause: "kubeadm is killed (exit status 137), with attempts: 1",
    when: "while it runs",
    sees: "one error that says so, and that memory may be the cause",
    seconds: 120,
  },
  async ({ cluster, prepare }) => {
    const node = `${cluster}-control-plane`;
    const run = await prepare({ attempts: "1" });
    const result = await runWith(
      run,
      () => runsKubeadm(node),
      () => sh("docker", ["exec", node, "sh", "-c", "kill -KILL $(pidof kubeadm)"]),
    );
    assert.match(errorOf(result), /program in a node was killed \(exit status 137\)[\s\S]*Fix: .*memory/);
  },
);

fault(
  {
    area: AREA,
    cause: "a node is paused for 60 s (docker pause)",
    when: "while kubeadm runs in it",
    sees: "nothing, or a line that the first try failed: the step succeeds",
    seconds: 420,
    long: true,
  },
  async ({ cluster, prepare }) => {
    const node = `${cluster}-control-plane`;
    const run = await prepare();
    const pause = async () => {
      await sh("docker", ["pause", node]);
      setTimeout(() => sh("docker", ["unpause", node]).catch(() => undefined), 60_000);
    };
    const result = await runWith(run, () => runsKubeadm(node), pause);
    assert.equal(result.exitCode, 0, logOf(result));
    assert.doesNotMatch(logOf(result), /^::error/m);
  },
);

fault(
  {
    area: AREA,
    cause: "a node is paused for 60 s (docker pause)",
    when: "after the step",
    sees: "nothing: the cluster answers again",
    seconds: 300,
    long: true,
  },
  async ({ cluster, prepare }) => {
    const run = await prepare();
    const { exitCode, outputs, ...result } = await run.main();
    assert.equal(exitCode, 0, logOf(result));
    await sh("docker", ["pause", `${cluster}-control-plane`]);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    await sh("docker", ["unpause", `${cluster}-control-plane`]);
    const get = ["--kubeconfig", outputs["user-kubeconfig"] ?? "", "get", "namespaces", "--output=name"];
    const answers = () => sh(outputs["kubectl-path"] ?? "", get).then(Boolean, () => false);
    await eventually("the cluster answers again", answers, 60, 500);
  },
);

fault(
  {
    area: AREA,
    cause: "a node is killed and another one paused",
    when: "after the step; the job fails",
    sees: "lines of post's log for what could not be collected of them; both are removed",
    seconds: 240,
  },
  async ({ cluster, prepare }) => {
    const run = await prepare({ workers: "1" });
    const result = await run.main();
    assert.equal(result.exitCode, 0, logOf(result));
    await sh("docker", ["kill", `${cluster}-worker`]);
    await sh("docker", ["pause", `${cluster}-control-plane`]);
    const post = await run.post({ inputs: { "job-status": "failure" } });
    assert.match(logOf(post), new RegExp(`Deleted .*${cluster}-worker`));
    assert.doesNotMatch(logOf(post), /^::(?:warning|error)/m);
  },
);

fault(
  {
    area: AREA,
    cause: "the step's machine is an hour behind the engine's",
    when: "when the certificate is issued",
    sees: "one error with the certificate's time and the machine's: the clocks differ; it is not tried again",
    seconds: 180,
  },
  async ({ prepare }) => {
    const run = await prepare();
    const result = await run.main({ start: withClock(-3600) });
    assert.match(errorOf(result), /is valid from .* only, and this machine's clock says [\s\S]*Fix: set the clocks/);
    assert.doesNotMatch(logOf(result), /Try 1 of/);
  },
);

fault(
  {
    area: AREA,
    cause: "the step's machine is an hour behind the engine's",
    when: "when an older cluster is replaced (existing: replace)",
    sees: "nothing: what is older is found by the engine's clock",
    seconds: 120,
  },
  async ({ machine, cluster, prepare }) => {
    const node = `${cluster}-control-plane`;
    await sh("docker", ["create", "--name", node, `--label=io.x-k8s.kind.cluster=${cluster}`, machine.probeImage]);
    try {
      const run = await prepare({ existing: "replace" });
      const runs = async () => (await sh("docker", ["ps", "--quiet", `--filter=name=^/?${node}$`])) !== "";
      const result = await stopWhen(run, "SIGTERM", runs, { start: withClock(-3600) });
      expectStopped(result, "SIGTERM");
      assert.match(logOf(result), /Removed 1 container\(s\) of an older/);
    } finally {
      await sh("docker", ["rm", "--force", "--volumes", node]).catch(() => undefined);
    }
  },
);

fault(
  {
    area: AREA,
    cause: "the step's machine is an hour ahead of the engine's",
    when: "during the whole step",
    sees: "nothing: the step succeeds",
    seconds: 180,
    long: true,
  },
  async ({ prepare }) => {
    const run = await prepare();
    const result = await run.main({ start: withClock(3600) });
    assert.equal(result.exitCode, 0, logOf(result));
  },
);
