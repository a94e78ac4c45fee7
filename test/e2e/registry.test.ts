import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { createKindNetwork } from "../../src/docker/kind-network.ts";
import { createExec } from "../../src/exec.ts";
import { builtInCatalog, parseCatalog } from "../../src/versions/catalog.ts";
import { kubeletPatches, newestMinor } from "../../testbed/releases.ts";
import {
  type ActionRun,
  eventually,
  type Machine,
  machineOf,
  prepareRun,
  processesNaming,
  sh,
  volumes,
  volumesOf,
} from "./harness.ts";

const PASSWORD = "pull-secret-1f";
/** Of that password, by bcrypt. */
const HTPASSWD = "puller:$2y$05$abcdefghijklmnopqrstuuQYSFclwgm8HviTA5oynxkaMmTnrDntm\n";
const AUTH = Buffer.from(`puller:${PASSWORD}`).toString("base64");
const MIRROR = "kind-torch-test-mirror";
const PRIVATE = "kind-torch-test-private";

type Result = Awaited<ReturnType<ActionRun["main"]>>;

const output = (result: Result, name: string) => result.outputs[name] ?? assert.fail(`no output ${name}`);
const kubectl = (result: Result, ...args: readonly string[]) =>
  sh(output(result, "kubectl-path"), ["--kubeconfig", output(result, "kubeconfig"), ...args]);
const exists = (container: string) =>
  sh("docker", ["ps", "--all", "--quiet", `--filter=name=^/?${container}$`]).then((id) => id !== "");

/** Runs a pod of an image on a node, and waits until it runs. */
async function runOn(result: Result, node: string, image: string): Promise<void> {
  const name = `pod-${node}-${image.replace(/\W+/g, "-")}`;
  const spec = { nodeName: node, tolerations: [{ operator: "Exists" }], terminationGracePeriodSeconds: 0 };
  const overrides = JSON.stringify({ spec });
  await kubectl(result, "run", name, `--image=${image}`, "--image-pull-policy=Always", `--overrides=${overrides}`);
  await kubectl(result, "wait", "--for=condition=Ready", `pod/${name}`, "--timeout=60s").catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await kubectl(result, "describe", "pod", name)}`);
  });
}

async function push(from: string, to: string): Promise<void> {
  await sh("docker", ["tag", from, to]);
  await sh("docker", ["push", "--quiet", to]);
  await sh("docker", ["image", "rm", to]);
}

/** Where a container's registry is published on this machine. */
async function publishedAt(container: string): Promise<string> {
  return (await sh("docker", ["port", container, "5000/tcp"])).split("\n")[0] ?? "";
}

async function startContainer(name: string, image: string, ...options: readonly string[]): Promise<string> {
  await sh("docker", ["rm", "--force", "--volumes", name]).catch(() => "");
  const place = ["--network=kind", "--publish=127.0.0.1::5000", "--env=OTEL_TRACES_EXPORTER=none"];
  await sh("docker", ["run", "--detach", `--name=${name}`, ...place, ...options, image]);
  const address = await publishedAt(name);
  await eventually(`${name} serves`, () =>
    fetch(`http://${address}/v2/`).then(
      ({ status }) => status === 200 || status === 401,
      () => false,
    ),
  );
  return address;
}

async function findRegistryImage(machine: Machine, run: ActionRun): Promise<string> {
  const { catalog } = await machine.inputs(run.folders.temp);
  const read = catalog === undefined ? builtInCatalog() : parseCatalog(await readFile(catalog, "utf8"));
  return read.registry ?? assert.fail("the catalog names no registry");
}

describe("a registry beside the cluster", { concurrency: 1 }, () => {
  const minor = newestMinor();
  let old: ActionRun;
  let newest: ActionRun;
  let newMachine: Machine;
  let oldResult: Result;
  let newResult: Result;

  before(async () => {
    newMachine = machineOf(await raiseBedFor(minor, console.error));
    const machine = machineOf(await raiseBedFor("1.28", console.error));
    old = await prepareRun(machine, {
      "cluster-name": "e2e-registry-old",
      registry: "true",
      "registry-port": "5017",
      "registry-mirrors": `private.example=http://${PRIVATE}:5000`,
      logs: "never",
    });
    newest = await prepareRun(newMachine, {
      "cluster-name": "e2e-registry",
      "kubernetes-version": minor,
      registry: "true",
      "registry-port": "5018",
      "registry-mirrors": `docker.io=http://${MIRROR}:5000, private.example=http://${PRIVATE}:5000`,
      "pull-credentials": "config.json",
      "kind-config": JSON.stringify({
        kind: "Cluster",
        apiVersion: "kind.x-k8s.io/v1alpha4",
        kubeadmConfigPatches: kubeletPatches(minor),
      }),
    });
    const configuration = { auths: { "private.example": { auth: AUTH } } };
    await writeFile(join(newest.folders.workspace, "config.json"), JSON.stringify(configuration), { mode: 0o600 });
    await createKindNetwork(createExec("tests"));
    const image = await findRegistryImage(newMachine, newest);
    const htpasswd = join(newest.folders.temp, "htpasswd");
    await writeFile(htpasswd, HTPASSWD);
    const mirror = await startContainer(MIRROR, image);
    const login = ["REALM=tests", "PATH=/htpasswd"].map((each) => `--env=REGISTRY_AUTH_HTPASSWD_${each}`);
    const guarded = await startContainer(
      PRIVATE,
      image,
      ...["--env=REGISTRY_AUTH=htpasswd", ...login, `--volume=${htpasswd}:/htpasswd:ro`],
    );
    await push(newMachine.probeImage, `${mirror}/team/app:1`);
    const docker = join(newest.folders.temp, "docker");
    await mkdir(docker);
    await writeFile(join(docker, "config.json"), JSON.stringify({ auths: { [guarded]: { auth: AUTH } } }));
    await sh("docker", ["tag", newMachine.probeImage, `${guarded}/team/app:1`]);
    await sh("docker", ["--config", docker, "push", "--quiet", `${guarded}/team/app:1`]);
    [oldResult, newResult] = await Promise.all([old.main(), newest.main()]);
  });
  after(async () => {
    await Promise.all([old.post(), newest.post()]);
    for (const name of [MIRROR, PRIVATE]) await sh("docker", ["rm", "--force", "--volumes", name]).catch(() => "");
    await Promise.all([old.dispose(), newest.dispose()]);
  });

  it("starts with the cluster, on 1.28 and on the newest", () => {
    for (const result of [oldResult, newResult]) assert.equal(result.exitCode, 0, result.log.join("\n"));
    assert.equal(output(oldResult, "registry"), "localhost:5017");
    assert.ok(newResult.log.some((line) => line.includes("localhost:5018") && line.includes("Registry")));
  });

  it("does so with containerd 1 and with containerd 2", async () => {
    const versions = await Promise.all(
      ["e2e-registry-old-worker", "e2e-registry-worker"].map((node) =>
        sh("docker", ["exec", node, "ctr", "--version"]),
      ),
    );
    assert.match(versions.join(), /^ctr \S+ v?1\.7\..*,ctr \S+ v?2\./);
  });

  it("gives a pod on each of two nodes what was pushed on the host", async () => {
    for (const [result, cluster] of [
      [oldResult, "e2e-registry-old"],
      [newResult, "e2e-registry"],
    ] as const) {
      const image = `${output(result, "registry")}/team/pushed:1`;
      await push(newMachine.probeImage, image);
      await Promise.all(["control-plane", "worker"].map((role) => runOn(result, `${cluster}-${role}`, image)));
    }
  });

  it("is found by tools as KEP-1755 says", async () => {
    const path = "--output=jsonpath={.data.localRegistryHosting\\.v1}";
    const text = await kubectl(
      newResult,
      "--namespace=kube-public",
      "get",
      "configmap",
      "local-registry-hosting",
      path,
    );
    assert.match(text, /^host: "localhost:5018"$/m);
  });

  it("has nodes pull through a mirror, as its access log shows", async () => {
    await runOn(newResult, "e2e-registry-worker", "docker.io/team/app:1");
    const log = await sh("sh", ["-c", `docker logs ${MIRROR} 2>&1`]);
    assert.match(log, /(?:GET|HEAD) \/v2\/team\/app\/manifests\/1\?ns=docker\.io.*containerd/);
  });

  it("has nodes pull from a private registry with the credentials that they got", async () => {
    await runOn(newResult, "e2e-registry-worker", "private.example/team/app:1");
    const mode = await sh("docker", [
      "exec",
      "e2e-registry-worker",
      "stat",
      "-c",
      "%a",
      "/var/lib/kubelet/config.json",
    ]);
    assert.equal(mode, "600");
  });

  it("lets nobody see the credentials: not in a log, nor in a process", async () => {
    for (const secret of [PASSWORD, AUTH]) {
      const shown = newResult.log.filter((line) => line.includes(secret) && !line.startsWith("::add-mask::"));
      assert.deepEqual(shown, []);
      assert.deepEqual(await processesNaming(secret), []);
    }
  });

  it("is refused with a name, before anything is touched, where something else has its port", async () => {
    const server = createServer().listen(5019, "127.0.0.1");
    const run = await prepareRun(newMachine, {
      "cluster-name": "e2e-refused",
      registry: "true",
      "registry-port": "5019",
    });
    try {
      const { exitCode, log } = await run.main();
      assert.equal(exitCode, 1);
      assert.ok(
        log.some((line) => /registry-port: "5019" is already in use/.test(line)),
        log.join("\n"),
      );
      assert.equal(await exists("e2e-refused-registry"), false);
      await run.post();
    } finally {
      server.close();
      await run.dispose();
    }
  });

  it("names why a pod without credentials is not started, when the job ends, and leaves nothing", async () => {
    const volumesBefore = await volumesOf(["e2e-registry-old-registry"]);
    assert.equal(volumesBefore.length, 1);
    await kubectl(oldResult, "run", "denied", "--image=private.example/team/app:1");
    await eventually("the image was not pulled", async () =>
      (await kubectl(oldResult, "get", "events", "--field-selector=reason=Failed")).includes("Failed to pull"),
    );
    const { exitCode, log } = await old.post({ inputs: { "job-status": "failure" } });
    assert.equal(exitCode, 0);
    assert.ok(
      log.some((line) =>
        /image private\.example\/team\/app:1 was not pulled: the registry refuses.*pull-credentials/.test(line),
      ),
      log.join("\n"),
    );
    assert.equal(await exists("e2e-registry-old-registry"), false);
    for (const volume of volumesBefore) assert.ok(!(await volumes()).includes(volume), volume);
  });

  it("keeps no credentials after the job", async () => {
    const { exitCode } = await newest.post();
    assert.equal(exitCode, 0);
    assert.deepEqual(
      (await readdir(newest.folders.temp)).filter((name) => name.startsWith("kind-torch-")),
      [],
    );
    assert.equal(await exists("e2e-registry-registry"), false);
  });
});

describe("a mirror that does not answer", () => {
  it("fails the step with its name", async () => {
    const run = await prepareRun(machineOf(await raiseBedFor("1.28", console.error)), {
      "cluster-name": "e2e-mirror",
      workers: "0",
      attempts: "1",
      "registry-mirrors": "docker.io=http://no-such-mirror:5000",
    });
    try {
      const { exitCode, log } = await run.main();
      assert.equal(exitCode, 1);
      assert.ok(
        log.some((line) => /mirror http:\/\/no-such-mirror:5000 of docker\.io does not answer the nodes/.test(line)),
        log.join("\n"),
      );
    } finally {
      await run.post();
      await run.dispose();
    }
  });
});
