import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ActionRun, dockerLeftovers, type Machine, prepareMachine, prepareRun, sh } from "./harness.ts";
import { DOCKER, type Edits, holds, placeTorch, readFolder, torchLeftovers, useLightServices } from "./torch.ts";

const ENGINE = `${DOCKER}/docker-compose-flowable-rest-solver.yaml`;
const SERVICES = `${DOCKER}/docker-compose-torchservices-solver.yaml`;
/** What kind takes for proof that a container is a node of the cluster. */
const forge = (cluster: string) => ({
  "io.x-k8s.kind.cluster": cluster,
  "io.x-k8s.kind.role": "control-plane",
});

describe("a pull request whose containers call themselves the cluster's", () => {
  let machine: Machine;
  before(async () => {
    machine = await prepareMachine();
  });

  /** Runs main and post on a changed TORCH-V2. */
  async function boot(cluster: string, edits: Edits, begin?: (run: ActionRun) => Promise<void>) {
    const run = await prepareRun(machine, { "cluster-name": cluster, workers: "0", torch: "torch_v2" });
    const torch = join(run.folders.workspace, "torch_v2");
    await placeTorch(torch, edits);
    await useLightServices(torch);
    try {
      await begin?.(run);
      const result = await run.main();
      const labels = await sh("docker", [
        "ps",
        "--all",
        `--filter=label=io.x-k8s.kind.cluster=${cluster}`,
        "--format={{.Names}}",
      ]);
      const post = await run.post({ inputs: { "job-status": "failure" } });
      const log = [...result.log, ...post.log].join("\n").replaceAll("%0A", "\n");
      const collected = (await readdir(run.folders.temp)).filter((name) => name.startsWith("kind-logs-"));
      const files = await Promise.all(collected.map((name) => readFolder(join(run.folders.temp, name))));
      return { exitCode: result.exitCode, log, labelled: labels.split("\n"), files: files.flatMap((map) => [...map]) };
    } finally {
      await run.post();
      await run.dispose();
      assert.deepEqual([...(await dockerLeftovers(cluster)), ...(await torchLeftovers(cluster))], []);
    }
  }

  const labelLines = (cluster: string) => (text: string) =>
    `${text}\n${Object.entries(forge(cluster))
      .map(([name, value]) => `LABEL ${name}=${value}`)
      .join("\n")}\n`;

  it("by a label in a Dockerfile: refused before a container is created from it, image and label named", async () => {
    const cluster = "attack-image";
    const { exitCode, log, labelled } = await boot(cluster, { "service-layer-light/Dockerfile": labelLines(cluster) });
    assert.equal(exitCode, 1);
    assert.match(log, /image kind-torch\/attack-image-services:\w+ has the label io\.x-k8s\.kind\.cluster/);
    assert.deepEqual(labelled, [`${cluster}-control-plane`]);
  });

  it("by a label of an image that a helper runs in: the same", async () => {
    const cluster = "attack-helper";
    const image = "attack/helper:1";
    const labels = Object.entries(forge(cluster)).map(([name, value]) => `--label=${name}=${value}`);
    const id = await sh("docker", ["create", ...labels, "--entrypoint=", machine.probeImage, "sleep", "1"]);
    await sh("docker", ["commit", id, image]);
    await sh("docker", ["rm", "--force", id]);
    try {
      const { exitCode, log } = await boot(cluster, {
        [ENGINE]: (text) =>
          text.replace(/services:\n/, `services:\n  helper:\n    image: ${image}\n    command: sleep 600\n`),
      });
      assert.equal(exitCode, 1);
      assert.match(log, /image attack\/helper:1 has the label io\.x-k8s\.kind\.cluster/);
    } finally {
      await sh("docker", ["image", "rm", "--force", image]);
    }
  });

  it("by labels in a compose file: they are left out, and the boot succeeds; nothing secret is collected", async () => {
    const cluster = "attack-compose";
    const labels = { ...forge(cluster), "kind-torch.run": "other", "desktop.docker.io/x": "y", "my.own": "kept" };
    const lines = Object.entries(labels).map(([name, value]) => `      ${name}: "${value}"`);
    const { exitCode, log, labelled, files } = await boot(cluster, {
      [SERVICES]: (text) => text.replace(/^( +)image: .*$/m, (line) => `${line}\n    labels:\n${lines.join("\n")}`),
    });
    assert.equal(exitCode, 0, log);
    assert.deepEqual(labelled, [`${cluster}-control-plane`]);
    assert.ok(
      files.some(([name]) => name.endsWith("kubelet.log")),
      "the nodes' logs are collected",
    );
    for (const [name, bytes] of files) assert.ok(!holds(bytes, [Buffer.from("-----BEGIN")]), name);
  });

  it("from outside, with existing: replace: named, neither removed nor taken for a node", async () => {
    const cluster = "attack-stranger";
    const labels = Object.entries(forge(cluster)).map(([name, value]) => `--label=${name}=${value}`);
    const name = "attack-stranger-container";
    const run = await prepareRun(machine, { "cluster-name": cluster, workers: "0", existing: "replace" });
    try {
      await sh("docker", ["run", "--detach", `--name=${name}`, ...labels, machine.probeImage, "pause"]);
      const result = await run.main();
      assert.equal(result.exitCode, 1);
      assert.match(
        result.log.join("\n"),
        /label io\.x-k8s\.kind\.cluster of the container attack-stranger-container, which is not a node/,
      );
      await run.post();
      assert.equal(await sh("docker", ["inspect", "--format={{.State.Status}}", name]), "running");
    } finally {
      await run.post();
      await run.dispose();
      await sh("docker", ["rm", "--force", name]);
    }
  });
});

describe("a proxy's password in the environment", () => {
  let machine: Machine;
  let run: ActionRun;
  const password = "geheim/77+x";
  const proxy = `http://user:${encodeURIComponent(password)}@192.0.2.1:3128`;
  const environment = {
    HTTP_PROXY: proxy,
    https_proxy: proxy,
    NO_PROXY: "127.0.0.1,localhost,10.0.0.0/8,172.16.0.0/12",
  };
  before(async () => {
    machine = await prepareMachine();
  });
  after(() => run.dispose());

  it("is in no line of the log, no file that is collected and no summary; the nodes have it", async () => {
    run = await prepareRun(machine, { "cluster-name": "attack-proxy", workers: "0", logs: "always" });
    await writeFile(join(run.folders.workspace, "x"), "");
    const result = await run.main({ environment });
    const inNode = await sh("docker", ["inspect", "--format={{json .Config.Env}}", "attack-proxy-control-plane"]);
    const post = await run.post({ environment });
    assert.equal(result.exitCode, 0, result.log.join("\n"));
    const traces = [password, encodeURIComponent(password), Buffer.from(`user:${password}`).toString("base64")];
    const found = (text: string | Uint8Array) =>
      holds(
        text,
        traces.map((trace) => Buffer.from(trace)),
      );
    assert.ok(found(inNode), "kind gives the proxy to its nodes");
    assert.ok(!found(result.log.join("\n")) && !found(post.log.join("\n")) && !found(result.summary));
    assert.ok(result.masks.includes(password));
    const files = await readFolder(run.folders.temp);
    assert.ok([...files.keys()].some((name) => name.endsWith("inspect.json")));
    for (const [name, bytes] of files) assert.ok(!found(bytes), name);
  });
});
