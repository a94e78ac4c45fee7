import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { StepResult } from "../../scripts/local/runner.ts";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { kindConfig, newestMinor } from "../../testbed/releases.ts";
import { WITHOUT_ROOT } from "../privileges.ts";
import { type ActionRun, dockerLeftovers, machineOf, prepareRun, sh } from "./harness.ts";
import { type RemoteEngine, startRemoteEngine } from "./remote-engine.ts";
import { placeTorch } from "./torch.ts";

const CLUSTER = "e2e-remote";
const ADDRESS = /^https:\/\/remote-docker\.test:\d+$/;

describe("an engine on another machine, by TCP with TLS", { skip: WITHOUT_ROOT }, () => {
  let engine: RemoteEngine;
  let machine: ReturnType<typeof machineOf>;
  before(async () => {
    const bed = await raiseBedFor(undefined, console.error);
    machine = machineOf(bed);
    engine = await startRemoteEngine(bed.official);
  });
  after(() => engine.end());

  describe("a cluster with a registry and an image of that engine", () => {
    let run: ActionRun;
    let made: StepResult;
    const image = "load-test/remote:1";
    const output = (name: string) => made.outputs[name] ?? assert.fail(`no output ${name}`);
    const kubectl = (...args: readonly string[]) =>
      sh(output("kubectl-path"), [`--kubeconfig=${output("kubeconfig")}`, ...args]);
    const runPod = async (name: string, from: string, policy: string) => {
      await kubectl("run", name, `--image=${from}`, `--image-pull-policy=${policy}`, "--", "pause");
      await kubectl("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=90s");
    };

    before(async () => {
      await engine.docker("pull", "--quiet", machine.probeImage);
      await engine.docker("tag", machine.probeImage, image);
      run = await prepareRun(machine, {
        "cluster-name": CLUSTER,
        registry: "true",
        "registry-port": "5017",
        "load-images": image,
        "pull-credentials": "auth.json",
      });
      const auths = { "private.example": { auth: Buffer.from("user:password-of-a-test").toString("base64") } };
      await writeFile(join(run.folders.workspace, "auth.json"), JSON.stringify({ auths }));
      made = await run.main({ environment: engine.environment });
      assert.equal(made.exitCode, 0, made.log.join("\n"));
    });
    after(() => run.dispose());

    it("is published where that machine is reached, and its certificate has that machine's name", async () => {
      assert.match(output("endpoint-external"), ADDRESS);
      assert.match(await readFile(output("kubeconfig"), "utf8"), /server: https:\/\/remote-docker\.test:\d+/);
      assert.match(await readFile(output("user-kubeconfig"), "utf8"), /server: https:\/\/remote-docker\.test:\d+/);
      const ready = await kubectl("get", "nodes", "--no-headers");
      assert.equal(ready.match(/ Ready /g)?.length, 2, ready);
      const whoami = ["auth", "whoami", "--output=name"];
      assert.ok(await sh(output("kubectl-path"), [`--kubeconfig=${output("user-kubeconfig")}`, ...whoami]));
    });

    it("has nothing on this machine's engine, and carries the run's mark on that one", async () => {
      assert.deepEqual(await dockerLeftovers(CLUSTER), []);
      const format = "{{range .Mounts}}{{println .Source .Destination}}{{end}}";
      const mounts = await engine.docker("inspect", `--format=${format}`, `${CLUSTER}-worker`);
      assert.match(mounts, /^\/dev\/null \/kind-torch\/owner-[0-9a-f]{8}$/m);
    });

    it("runs the image that was loaded, and one that was pushed to its registry", async () => {
      await runPod("loaded", image, "Never");
      const pushed = "localhost:5017/pushed:1";
      await engine.docker("tag", machine.probeImage, pushed);
      await engine.docker("push", "--quiet", pushed);
      await runPod("pushed", pushed, "Always");
    });

    it("has the pull credentials in its kubelets' folder, as a copy", async () => {
      const file = await engine.docker("exec", `${CLUSTER}-worker`, "cat", "/var/lib/kubelet/config.json");
      assert.match(file, /private\.example/);
    });

    it("is removed by post, with its registry", async () => {
      const { log } = await run.post({ environment: engine.environment });
      assert.match(log.join("\n"), /Deleted e2e-remote/);
      const label = "--filter=label=io.x-k8s.kind.cluster";
      assert.equal(await engine.docker("ps", "--all", "--quiet", label), "");
      assert.doesNotMatch(await engine.docker("ps", "--all", "--format={{.Names}}"), /e2e-remote/);
    });
  });

  it(`works on Kubernetes ${newestMinor()}`, async () => {
    const run = await prepareRun(machineOf(await raiseBedFor(newestMinor(), console.error)), {
      "cluster-name": CLUSTER,
      "kubernetes-version": newestMinor(),
      workers: "0",
      "kind-config": kindConfig(newestMinor()),
    });
    try {
      const { exitCode, log, outputs } = await run.main({ environment: engine.environment });
      assert.equal(exitCode, 0, log.join("\n"));
      assert.match(outputs["endpoint-external"] ?? "", ADDRESS);
    } finally {
      await run.post({ environment: engine.environment });
      await run.dispose();
    }
  });

  it("refuses what cannot work there, with the reason, before anything is touched", async () => {
    const run = await prepareRun(machine, {
      "cluster-name": CLUSTER,
      torch: "torch_v2",
      "api-server-address": "127.0.0.1",
      dns: "docker-host",
    });
    try {
      await placeTorch(join(run.folders.workspace, "torch_v2"));
      const { exitCode, log } = await run.main({ environment: engine.environment });
      assert.equal(exitCode, 1);
      const text = log.join("\n");
      for (const reason of [
        /torch: .*needs its files on the machine of Docker Engine \(remote-docker\.test\)/,
        /api-server-address: .*127\.0\.0\.1 of the engine's machine, remote-docker\.test/,
        /dns: .*a resolver on the engine's machine, remote-docker\.test/,
      ]) {
        assert.match(text, reason);
      }
      assert.equal(await engine.docker("ps", "--all", "--quiet"), "");
    } finally {
      await run.dispose();
    }
  });

  it("says that no engine answers there, when none does", async () => {
    const run = await prepareRun(machine, { "cluster-name": CLUSTER });
    try {
      const DOCKER_HOST = "tcp://remote-docker.test:2399";
      const { exitCode, log } = await run.main({ environment: { ...engine.environment, DOCKER_HOST } });
      assert.equal(exitCode, 1);
      assert.match(log.join("\n"), /Docker Engine.*does not answer.*remote-docker\.test:2399/);
    } finally {
      await run.dispose();
    }
  });
});
