import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runStep, type StepResult } from "../../scripts/local/runner.ts";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { kindConfig, newestMinor } from "../../testbed/releases.ts";
import { type ActionRun, dockerLeftovers, eventually, type Machine, machineOf, prepareRun, sh } from "./harness.ts";
import { type JobContainer, startJobContainer } from "./job-container.ts";
import { CSAR, placeTorch, torchLeftovers, useLightServices } from "./torch.ts";

/** Fills the tool cache: the test environment's downloads are on 127.0.0.1, where a container does not reach them. */
async function installTools(machine: Machine, { folders }: ActionRun, version: string): Promise<void> {
  const own = { ...(await machine.inputs(folders.temp)), "install-only": "true", "kubernetes-version": version };
  const { exitCode, log } = await runStep({ entry: "main", folders, inputs: own });
  assert.equal(exitCode, 0, log.join("\n"));
}

const IMAGE = "load-test/job:1";

describe("a step in a job's container, with Docker's socket and the runner's folders mounted", () => {
  const cluster = "e2e-job";
  let run: ActionRun;
  let job: JobContainer;
  let made: StepResult;
  const output = (name: string) => made.outputs[name] ?? assert.fail(`no output ${name}`);
  const kubectl = (words: string) => job.sh(`${output("kubectl-path")} --kubeconfig=${output("kubeconfig")} ${words}`);

  before(async () => {
    const machine = machineOf(await raiseBedFor(undefined, console.error));
    await sh("docker", ["tag", machine.probeImage, IMAGE]);
    run = await prepareRun(machine, {
      "cluster-name": cluster,
      torch: "torch_v2",
      "torch-csar": CSAR,
      user: "torch-admin",
      registry: "true",
      "registry-port": "5018",
      "load-images": IMAGE,
      // Relative: kind's own paths start where the step runs.
      "kind-config": JSON.stringify({
        kind: "Cluster",
        apiVersion: "kind.x-k8s.io/v1alpha4",
        nodes: [
          { role: "control-plane", extraMounts: [{ hostPath: "data", containerPath: "/data" }] },
          { role: "worker" },
        ],
      }),
    });
    const { folders } = run;
    await installTools(machine, run, "1.28");
    await placeTorch(join(folders.workspace, "torch_v2"));
    await useLightServices(join(folders.workspace, "torch_v2"));
    await mkdir(join(folders.workspace, "data"));
    await writeFile(join(folders.workspace, "data/file"), "of the workspace");
    job = await startJobContainer({ name: "e2e-job-container", image: machine.probeImage, folders, network: "own" });
    made = await run.main({ start: job.start });
    assert.equal(made.exitCode, 0, made.log.join("\n").replaceAll("%0A", "\n"));
  });
  after(async () => {
    await run.post({ start: job.start });
    await job.end();
    await sh("docker", ["image", "rm", IMAGE]);
    await run.dispose();
  });

  it("has the internal endpoint in every output and kubeconfig, and later steps of the job reach it", async () => {
    const endpoint = `https://${cluster}-control-plane:6443`;
    assert.deepEqual([output("endpoint"), output("endpoint-external")], [endpoint, endpoint]);
    for (const name of ["kubeconfig", "user-kubeconfig"]) {
      assert.match(await job.sh(`cat ${output(name)}`), new RegExp(`server: ${endpoint}`));
    }
    assert.equal((await kubectl("get nodes --no-headers")).match(/ Ready /g)?.length, 2);
    assert.ok(await job.sh(`${output("kubectl-path")} --kubeconfig=${output("user-kubeconfig")} auth whoami`));
  });

  it("is in kind's network and in TORCH-V2's, besides its own", async () => {
    const networks = await job.networks();
    assert.ok(networks.includes("kind") && networks.includes(job.network ?? ""), networks.join());
    assert.ok(networks.some((name) => name.startsWith(`${cluster}-torch-`)));
  });

  it("mounts into nodes what is in the workspace, by its path on the engine's machine", async () => {
    assert.equal(await sh("docker", ["exec", `${cluster}-control-plane`, "cat", "/data/file"]), "of the workspace");
  });

  it("has the loaded image on the nodes, and a registry that Docker and the nodes share", async () => {
    const found = await sh("docker", ["exec", `${cluster}-worker`, "crictl", "images", "--output=json"]);
    assert.match(found, /load-test\/job:1/);
    assert.equal(output("registry"), "localhost:5018");
    assert.match(await job.sh("curl --silent --fail http://e2e-job-registry:5000/v2/_catalog"), /repositories/);
  });

  it("has TORCH-V2 booted and its template deployed, at addresses that the job's container reaches", async () => {
    assert.equal(output("torch-dashboard-url"), `http://${cluster}-dashboard:8000`);
    const status = "curl --silent --output /dev/null --write-out '%{http_code}'";
    assert.equal(await job.sh(`${status} ${output("torch-dashboard-url")}/login`), "200");
    assert.equal(await job.sh(`${status} --request POST ${output("torch-broker-url")}/nowhere`), "404");
    for (const node of ["bologna", "simple-server", "georef"]) {
      assert.match(made.log.join("\n"), new RegExp(`${node}: STARTED`));
    }
  });

  const expectNothing = async () => {
    assert.deepEqual(await job.networks(), [job.network]);
    assert.deepEqual(await dockerLeftovers(cluster), []);
    assert.deepEqual(await torchLeftovers(cluster), []);
    assert.doesNotMatch(await job.sh("ls /__w/temp"), new RegExp(`kind-torch-${cluster}`));
  };

  it("leaves the networks and nothing else in post", async () => {
    const { log } = await run.post({ start: job.start });
    assert.doesNotMatch(log.join("\n"), /::warning::/);
    await expectNothing();
  });

  it("does so too when main is killed while kind makes the nodes", async () => {
    const ended = run.main({ start: job.start, inputs: { torch: "", "torch-csar": "" } });
    await eventually("kind makes a node", async () => (await dockerLeftovers(cluster)).length > 0);
    assert.ok((await job.networks()).includes("kind"));
    await job.sh(`for process in /proc/[0-9]*; do
      if tr '\\0' ' ' <"$process/cmdline" | grep -q 'main[.]mjs'; then kill -9 "\${process#/proc/}"; fi
    done`);
    assert.notEqual((await ended).exitCode, 0);
    await run.post({ start: job.start, inputs: { torch: "", "torch-csar": "" } });
    await expectNothing();
  });
});

describe("a step in a container as act starts it: in the machine's network, with folders of its own", () => {
  const cluster = "e2e-act";
  let run: ActionRun;
  let job: JobContainer;

  before(async () => {
    const machine = machineOf(await raiseBedFor(newestMinor(), console.error));
    await sh("docker", ["tag", machine.probeImage, IMAGE]);
    run = await prepareRun(machine, {
      "cluster-name": cluster,
      "kubernetes-version": newestMinor(),
      "load-images": IMAGE,
      "pull-credentials": "auth.json",
    });
    const { folders } = run;
    await installTools(machine, run, newestMinor());
    const auths = { "private.example": { auth: Buffer.from("user:password-of-a-test").toString("base64") } };
    await writeFile(join(folders.workspace, "auth.json"), JSON.stringify({ auths }));
    job = await startJobContainer({
      ...{ name: "e2e-act-container", image: machine.probeImage, folders },
      ...{ network: "host", unmounted: true },
    });
  });
  after(async () => {
    await job.end();
    await sh("docker", ["image", "rm", IMAGE]);
    await run.dispose();
  });

  const inputsWith = (node: object) => ({
    "kind-config": JSON.stringify({ ...JSON.parse(kindConfig(newestMinor())), nodes: [node] }),
  });

  it("refuses to mount into a node what Docker Engine does not see", async () => {
    const mount = { hostPath: "/usr/share", containerPath: "/data" };
    const inputs = inputsWith({ role: "control-plane", extraMounts: [mount] });
    const { exitCode, log } = await run.main({ start: job.start, inputs });
    assert.equal(exitCode, 1);
    assert.match(log.join("\n"), /hostPath is in the file system of this job's container, e2e-act-container/);
  });

  it("gives nodes as copies what they cannot mount, is reached on 127.0.0.1, and leaves nothing", async () => {
    const inputs = inputsWith({ role: "control-plane" });
    const { exitCode, log, outputs } = await run.main({ start: job.start, inputs });
    try {
      assert.equal(exitCode, 0, log.join("\n"));
      assert.match(outputs["endpoint-external"] ?? "", /^https:\/\/127\.0\.0\.1:\d+$/);
      const node = `${cluster}-control-plane`;
      assert.match(await sh("docker", ["exec", node, "cat", "/var/lib/kubelet/config.json"]), /private\.example/);
      assert.match(await sh("docker", ["exec", node, "crictl", "images", "--output=json"]), /load-test\/job:1/);
      assert.equal(await sh("docker", ["exec", node, "ls", "/kind-torch/images"]), "");
      const mounts = await sh("docker", ["inspect", "--format={{range .Mounts}}{{println .Source}}{{end}}", node]);
      assert.doesNotMatch(mounts, /kind-torch-e2e|__w/, "a folder that this machine does not have");
    } finally {
      await run.post({ start: job.start, inputs });
    }
    assert.deepEqual(await dockerLeftovers(cluster), []);
    assert.deepEqual(await job.networks(), ["host"]);
  });
});
