import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { installAct } from "../programs.ts";
import { type ActRequest, type ActRun, filesWith, runWorkflow } from "./act/sandbox.ts";
import { dockerLeftovers, failing, type Machine, prepareMachine, sh } from "./harness.ts";

/** The clusters of the two workflows, one each. */
const SUCCEEDING = "act-one";
const FAILING = "act-two";

/** A workflow with `uses: ./` in act's self-hosted mode, with act's artifact server. */
describe("under act", () => {
  let machine: Machine;
  let act: string;

  before(async () => {
    machine = await prepareMachine();
    act = await installAct(console.error);
    await removeClusters();
  });
  after(removeClusters);

  describe("a job that succeeds", () => {
    let run: ActRun;
    let outputs: Readonly<Record<string, string>>;
    const proof = (name: string) => readProof(run, name);
    before(async () => {
      run = await runWorkflow(act, machine, { workflow: "succeeding.yml" });
      assert.equal(run.exitCode, 0, run.log);
      outputs = JSON.parse(await proof("outputs.json"));
    });
    after(() => run?.dispose());

    it("gives later steps KUBECONFIG and PATH, by which they are the cluster's admin", async () => {
      assert.equal(await proof("kubeconfig-variable"), outputs.kubeconfig);
      assert.equal(await proof("kubectl"), outputs["kubectl-path"]);
      assert.equal(await proof("kind"), outputs["kind-path"]);
      assert.equal(await proof("nodes"), `node/${SUCCEEDING}-control-plane`);
      assert.equal(await proof("admin-may-everything"), "yes");
    });

    it("gives later steps credentials that openssl and curl accept, with TLS verified", async () => {
      assert.match(await proof("verified"), /torch-signed\.crt: OK$/);
      assert.equal(JSON.parse(await proof("api.json")).kind, "APIVersions");
      assert.equal(await proof("user"), "torch");
      assert.equal(
        JSON.parse(await proof("anonymous")).reason,
        "Forbidden",
        "without a certificate it is someone else",
      );
      assert.equal(await proof("exit-without-ca"), "60", "curl knows the API server by the CA alone");
    });

    it("gives the key only as the path of a file that its owner alone can read", async () => {
      const path = outputs["client-key-path"] ?? "";
      assert.ok(isAbsolute(path) && path.endsWith("/torch.key"), path);
      assert.equal(await proof("key-mode"), "600");
      for (const [name, value] of Object.entries(outputs)) assert.ok(!value.includes("PRIVATE KEY"), name);
    });

    it("uploads CA, certificate and kubeconfig as the only artifact, and no private key", async () => {
      const name = outputs["artifact-name"] ?? "";
      assert.match(name, new RegExp(`^kind-credentials-${SUCCEEDING}-cluster`));
      assert.deepEqual([...run.artifacts.keys()], [name]);
      const folder = artifact(run, name);
      assert.deepEqual(await list(folder), ["ca.crt", "torch-signed.crt", "torch.kubeconfig"]);
      assert.deepEqual(await filesWith(folder, ["PRIVATE KEY", ...(await keyTexts(run))]), []);
      assert.equal((await readFile(join(folder, "ca.crt"), "utf8")).trim(), outputs["ca-certificate"]?.trim());
      await sh("openssl", ["verify", "-CAfile", join(folder, "ca.crt"), join(folder, "torch-signed.crt")]);
    });

    it("keeps both keys out of the log, even if a step prints them", async () => {
      assert.match(run.log, /BEGIN PRIVATE KEY/, "the step that prints them has run");
      assert.deepEqual(await keyTextsIn(run), []);
    });

    it("leaves nothing after post", () => assertNothingLeft(run, SUCCEEDING));
  });

  describe("a job with a passphrase and a later step that fails", () => {
    const passphrase = randomBytes(16).toString("hex");
    let run: ActRun;
    let outputs: Readonly<Record<string, string>>;
    const open = (key: string, word: string) => ["pkey", "-in", key, "-passin", `pass:${word}`, "-pubout"];
    before(async () => {
      run = await runWorkflow(act, machine, { workflow: "failing.yml", secrets: { PASSPHRASE: passphrase } });
      assert.equal(run.exitCode, 1, run.log);
      assert.match(run.log, /Failure - Main Fail on purpose/, run.log);
      outputs = JSON.parse(await readProof(run, "outputs.json"));
    });
    after(() => run?.dispose());

    it("uploads the key too, and only the passphrase opens it", async () => {
      const folder = artifact(run, outputs["artifact-name"] ?? "");
      const names = ["ca.crt", "torch-signed.crt", "torch.encrypted.key", "torch.kubeconfig"];
      assert.deepEqual(await list(folder), names);
      const key = join(folder, "torch.encrypted.key");
      assert.match(await readFile(key, "utf8"), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      assert.match(await sh("openssl", ["asn1parse", "-in", key]), /:aes-256-cbc$/m);
      assert.deepEqual(await filesWith(folder, ["PRIVATE KEY"]), [key]);
      assert.deepEqual(await filesWith(folder, await keyTexts(run)), []);

      const certified = await sh("openssl", ["x509", "-in", join(folder, "torch-signed.crt"), "-noout", "-pubkey"]);
      assert.equal(await sh("openssl", open(key, passphrase)), certified);
      await failing("openssl", open(key, "another passphrase"));
      await failing("openssl", open(key, ""));
    });

    it("uploads the cluster's logs, and no key in them", async () => {
      const name = [...run.artifacts.keys()].find((each) => each !== outputs["artifact-name"]) ?? "";
      assert.match(name, new RegExp(`^kind-logs-${FAILING}-cluster`));
      assert.equal(run.artifacts.size, 2);
      const folder = artifact(run, name);
      const files = await list(folder);
      for (const part of ["kubelet.log", "containerd.log"]) {
        assert.ok(files.includes(`${FAILING}-control-plane/${part}`), files.join("\n"));
      }
      assert.deepEqual(await filesWith(folder, ["PRIVATE KEY", ...(await keyTexts(run))]), []);
    });

    it("keeps keys and passphrase out of the log", async () => {
      assert.match(run.log, /the passphrase: \*\*\*/);
      assert.ok(!run.log.includes(passphrase));
      assert.deepEqual(await keyTextsIn(run), []);
    });

    it("leaves nothing after post", () => assertNothingLeft(run, FAILING));
  });

  describe("the project's own workflows", () => {
    let layers: string;
    before(async () => {
      layers = await mkdtemp(join(tmpdir(), "kind-torch-act-layers-"));
    });
    after(() => rm(layers, { recursive: true, force: true }));
    const runE2e = (...options: readonly string[]) => runWith({}, ...options);
    const runWith = (request: Partial<ActRequest>, ...options: readonly string[]) =>
      runWorkflow(act, machine, {
        ...request,
        workflow: "e2e.yml",
        options,
        variables: { KUBERNETES_VERSIONS: '["1.28"]' },
      });

    it("create a cluster, use it, and leave nothing", async () => {
      const run = await runE2e("--job=cluster", "--matrix=kubernetes:1.28", "--matrix=nodes:1");
      assert.equal(run.exitCode, 0, run.log);
      assert.match(run.log, /Success - Main The user's credentials are accepted/);
      assert.match(run.log, /Nothing is left\./);
      await run.dispose();
    });

    it("detect that a step fails that should fail, and leave nothing", async () => {
      const run = await runE2e("--job=failure");
      assert.equal(run.exitCode, 0, run.log);
      assert.match(run.log, /::error::applying the rbac-manifests: /);
      assert.match(run.log, /Success - Main The step has failed/);
      assert.match(run.log, /Nothing is left\./);
      await run.dispose();
    });

    it("call the reusable workflow, which deploys through TORCH-V2 and passes on each job's result", async () => {
      const run = await runWith({ layers }, "--job=results");
      assert.equal(run.exitCode, 0, run.log);
      assert.match(run.log, /dashboard: image built, 0 of 6 steps from the cache/);
      assert.match(run.log, /georef: STARTED/);
      assert.match(run.log, /Success - Main Run the caller's command/);
      const cell = "1.28-simple-server-and-georef";
      assert.deepEqual([...run.artifacts.keys()].toSorted(), [
        `torch-e2e-credentials-${cell}`,
        `torch-e2e-files-${cell}`,
        `torch-e2e-result-${cell}`,
      ]);
      assert.match(run.log, /1 test: 1 passed/);
      const result = JSON.parse(
        await readFile(join(artifact(run, `torch-e2e-result-${cell}`), "torch-e2e-result.json"), "utf8"),
      );
      assert.equal(result.result, "success");
      assert.match(result["kubernetes-version"], /^1\.28\./);
      assert.equal(result["artifact-name"], `torch-e2e-credentials-${cell}`);
      assert.deepEqual(await dockerLeftovers("bologna"), []);
      await run.dispose();
    });

    it("call the reusable workflow again, whose builder has every layer of the job before", async () => {
      const run = await runWith({ layers }, "--job=results");
      assert.equal(run.exitCode, 0, run.log);
      assert.match(run.log, /dashboard: image built, 6 of 6 steps from the cache/);
      assert.equal(await sh("docker", ["ps", "--all", "--quiet", "--filter=name=buildx_buildkit_builder-"]), "");
      await run.dispose();
    });

    it("call the reusable workflow with two clusters, and leave neither", async () => {
      const run = await runE2e("--job=two-clusters-results");
      assert.equal(run.exitCode, 0, run.log);
      assert.match(run.log, /Success - Main Create the second cluster/);
      const subnets = [...run.log.matchAll(/Prepared for Liqo: pods (\S+), Services (\S+)/g)].map(([line]) => line);
      assert.equal(new Set(subnets).size, 2, run.log);
      const cell = "1.28-two-clusters";
      const names = [`credentials-${cell}`, `credentials-${cell}-catania`, `result-${cell}`];
      assert.deepEqual(
        [...run.artifacts.keys()].toSorted(),
        names.map((name) => `two-clusters-${name}`),
      );
      // The last that was made is the first that goes.
      assert.ok(run.log.indexOf("Deleted bologna-control-plane") < run.log.indexOf("Deleted catania-control-plane"));
      for (const cluster of ["bologna", "catania"]) assert.deepEqual(await dockerLeftovers(cluster), []);
      await run.dispose();
    });
  });
});

/** Removes what an interrupted or failed run of these tests has left; only the tests use these names. */
async function removeClusters(): Promise<void> {
  for (const cluster of [SUCCEEDING, FAILING]) {
    for (const name of await dockerLeftovers(cluster)) await sh("docker", ["rm", "--force", "--volumes", name]);
  }
}

async function readProof(run: ActRun, name: string): Promise<string> {
  return (await readFile(join(run.proof, name), "utf8")).trimEnd();
}

function artifact(run: ActRun, name: string): string {
  return (
    run.artifacts.get(name) ?? assert.fail(`no artifact ${name}: ${[...run.artifacts.keys()].join(", ")}\n${run.log}`)
  );
}

/** The files below a folder, by their paths in it. */
async function list(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

/** Every form in which the user's key and the admin's could appear: the lines of the PEM, and the whole in base64. */
async function keyTexts(run: ActRun): Promise<readonly string[]> {
  const [user, adminData] = await Promise.all([readFile(join(run.proof, "key"), "utf8"), readProof(run, "admin-key")]);
  const admin = Buffer.from(adminData, "base64").toString();
  const lines = [user, admin].flatMap((pem) => pem.split("\n")).filter((line) => line !== "" && !line.startsWith("-"));
  assert.ok(lines.length > 40, "two RSA keys");
  return [...lines, Buffer.from(user).toString("base64"), adminData];
}

async function keyTextsIn(run: ActRun): Promise<readonly string[]> {
  return (await keyTexts(run)).filter((text) => run.log.includes(text));
}

async function assertNothingLeft(run: ActRun, cluster: string): Promise<void> {
  assert.match(run.log, new RegExp(`Deleted ${cluster}-control-plane`));
  assert.deepEqual(await dockerLeftovers(cluster), []);
  // As it was after post: if the job succeeded, act has removed the folder since.
  assert.deepEqual(JSON.parse(await readProof(run, "runner-temp.json")), []);
  assert.deepEqual(await filesWith(run.home, await keyTexts(run)), []);
}
