import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmod, cp, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { runStep } from "../../scripts/local/runner.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { kindGateway } from "../e2e/resolver.ts";
import { asNobody, WITHOUT_ROOT } from "../privileges.ts";
import { STATE } from "../unit/journal.ts";
import { makePlace, type Place, refused } from "./refusal.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The built bundle as a child process, by the runner's contract; none of these creates a cluster. */
describe("main refuses", () => {
  let place: Place;
  beforeEach(async () => {
    place = await makePlace();
  });
  afterEach(() => rm(place.root, { recursive: true }));

  it("every bad input at once, each with its name, its value, what is allowed and the fix", async () => {
    await writeFile(join(place.folders.workspace, "broken.yaml"), "kind: Cluster\nnodes: [\n");
    const bad = {
      "cluster-name": "Not_A_Label",
      "kubernetes-version": "one point two",
      wait: "5 minutes",
      workers: "-1",
      attempts: "many",
      "certificate-lifetime": "5m",
      groups: "system:masters",
      rbac: "everything",
      "rbac-manifests": "missing.yaml",
      "kind-config": "broken.yaml",
      "credentials-directory": "../outside",
      "kind-mirror": "ftp://mirror.example",
      "artifact-passphrase": "pw-1234",
    };
    const [head = "", ...lines] = await refused(place, bad);
    assert.match(head, /^::error::\d+ problem\(s\) with the inputs\. Nothing was changed\.$/);
    for (const name of Object.keys(bad)) {
      const line =
        lines.find((each) => each.startsWith(`${name}:`)) ?? assert.fail(`no line for ${name} in\n${lines.join("\n")}`);
      assert.match(line, /Allowed: .+\. Fix: .+\./);
    }
    assert.ok(!lines.join("\n").includes("pw-1234"), "a passphrase is not repeated");
  });

  it("a private key that cannot be used, without a word of it, and masks one that can", async () => {
    const { privateKey: small } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const { privateKey: good } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const texts = [small, good].map((key) => key.export({ type: "pkcs8", format: "pem" }).toString());
    const secretOf = (text = "") => text.split("\n")[1] ?? assert.fail("no line of a key");
    await Promise.all(texts.map((text, index) => writeFile(join(place.folders.workspace, `${index}.key`), text)));
    const lines = await refused(place, { "client-key": "0.key" });
    assert.match(lines.join("\n"), /client-key: ".*0\.key" is a key of the type rsa of 1024 bits/);
    assert.ok(!lines.join("\n").includes(secretOf(texts[0])));
    const inputs = { "client-key": "1.key", workers: "-1", "key-algorithm": "ecdsa-p256" };
    const { log, masks } = await runStep({ entry: "main", folders: place.folders, inputs });
    assert.match(log.join("\n"), /key-algorithm and client-key: "ecdsa-p256" has no effect/);
    assert.ok(masks.includes(secretOf(texts[1])));
    assert.ok(!log.join("\n").includes(secretOf(texts[1])));
  });

  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      "an unknown Kubernetes version, naming those there are",
      { "kubernetes-version": "1.99" },
      /kubernetes-version: "1\.99" is not in the catalog.*1\.28/,
    ],
    ["1.3 where YAML ate the zero of 1.30, with the fix", { "kubernetes-version": "1.3" }, /quote it/],
    [
      "kubectl 1.34 with Kubernetes 1.28, naming both and the range",
      { "kubectl-version": "1.34.5" },
      /kubectl-version: "1\.34\.5" is kubectl 1\.34\.5 with Kubernetes 1\.28\.\d+.*Allowed: 1\.27 to 1\.29/,
    ],
    [
      "an input that contradicts the kind configuration, naming both",
      {
        workers: "2",
        "kind-config": "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n",
      },
      /workers and kind-config: "2" contradicts kind-config/,
    ],
    ["malformed YAML, with line and column", { "kind-config": "kind: Cluster\nnodes: [\n" }, /line \d+, column \d+/],
    ["a name too long for a node's hostname", { "cluster-name": "a".repeat(55) }, /hostname of \d+ characters/],
    [
      "a YAML bomb",
      {
        "kind-config": `a: &a [x,x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e", "f"]
          .map(
            (key, index) =>
              `${key}: &${key} [${Array(9)
                .fill(`*${String.fromCharCode(97 + index)}`)
                .join(",")}]`,
          )
          .join("\n")}\n`,
      },
      /cannot be expanded/,
    ],
  ];
  for (const [name, inputs, expected] of cases) {
    it(name, async () => assert.match((await refused(place, inputs)).join("\n"), expected));
  }

  it("Kubernetes 1.35 and later on a host with cgroup v1, and only there", async () => {
    const machine = await prepareMachine();
    assert.ok(machine.probeImage);
    const lines = (await refused(place, { "kubernetes-version": "1.35", user: "-" })).join("\n");
    const { stdout } = spawnSync("docker", ["info", "--format", "{{.CgroupVersion}}"], { encoding: "utf8" });
    if (stdout.trim() === "1") assert.match(lines, /kubelet refuses to start on cgroup v1/);
    else assert.doesNotMatch(lines, /cgroup/);
  });

  it("a port that is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const nodes = `nodes: [{role: control-plane, extraPortMappings: [{containerPort: 80, hostPort: ${port}, listenAddress: 127.0.0.1}]}]`;
    try {
      const lines = await refused(place, {
        "kind-config": `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n${nodes}\n`,
      });
      assert.match(
        lines.join("\n"),
        new RegExp(`line 3, column \\d+: \\S+hostPort is already in use on this machine .*: ${port}\\.`),
      );
    } finally {
      server.close();
    }
  });

  it("dns: docker-host if nothing answers, with the reason", async () => {
    await prepareMachine();
    const gateway = await kindGateway();
    const lines = (await refused(place, { dns: "docker-host" })).join("\n");
    assert.match(lines, new RegExp(`nothing answers DNS queries on ${gateway.replaceAll(".", "\\.")}`));
    assert.match(lines, /systemd-resolved/);
  });

  it("an existing file where a credential file should go, and leaves it alone", async () => {
    await mkdir(join(place.folders.workspace, "credentials"));
    await writeFile(join(place.folders.workspace, "credentials/torch.key"), "another user's");
    const lines = await refused(place, { "credentials-directory": "credentials" });
    assert.match(lines.join("\n"), /already contains \S+torch\.key, which is not overwritten/);
  });

  describe("a machine", () => {
    it("without a docker command", async () => {
      const lines = await refused(place, {}, { environment: { PATH: join(place.root, "empty") } });
      assert.match(lines.join("\n"), /Docker Engine" is not installed/);
    });

    it("on which Docker Engine does not run, together with what is wrong with the inputs", async () => {
      const environment = { DOCKER_HOST: `unix://${join(place.root, "nobody-listens.sock")}` };
      const lines = (await refused(place, { wait: "long" }, { environment })).join("\n");
      assert.match(lines, /Docker Engine" does not answer/);
      assert.match(lines, /wait: "long"/);
    });

    it("whose Docker Engine this user may not use", { skip: WITHOUT_ROOT }, async () => {
      await prepareMachine();
      // The bundle and its Node.js where a user who is not root can read them.
      const shared = join(place.root, "shared");
      await cp(join(ROOT, "dist"), join(shared, "dist"), { recursive: true });
      await cp(process.execPath, join(shared, "node"));
      await chmod(place.root, 0o755);
      const [file, args] = asNobody(join(shared, "node"), [join(shared, "dist/main.mjs")], {
        PATH: process.env.PATH ?? "",
        GITHUB_WORKSPACE: place.folders.workspace,
        RUNNER_TEMP: place.folders.temp,
        HOME: "/nonexistent",
      });
      const result = spawnSync(file, args, { encoding: "utf8", timeout: 60_000 });
      assert.equal(result.status, 1, result.stdout + result.stderr);
      assert.match(result.stdout, /this user may not use it \(permission denied/);
    });
  });

  it("to run outside a runner, with the reason", async () => {
    const result = spawnSync(process.execPath, [join(ROOT, "dist/main.mjs")], { env: {}, encoding: "utf8" });
    assert.equal(result.status, 1);
    assert.match(result.stdout, /GITHUB_WORKSPACE and RUNNER_TEMP are not set/);
  });
});

describe("post", () => {
  it("has nothing to do, and does not fail, if main refused its inputs", async () => {
    const { root, folders } = await makePlace();
    const result = await runStep({ entry: "post", folders, inputs: {}, state: {} });
    await rm(root, { recursive: true });
    assert.equal(result.exitCode, 0);
    assert.deepEqual(result.log, []);
  });

  it("never fails the job, whatever its state holds", async () => {
    const { root, folders } = await makePlace();
    const broken = join(folders.temp, "kind-torch-broken-00000000");
    await mkdir(broken);
    await writeFile(join(broken, "run.json"), "{ half");
    const result = await runStep({ entry: "post", folders, inputs: {}, state: { "run-directory": broken } });
    assert.equal(result.exitCode, 0);
    assert.match(result.log.join("\n"), /::warning::The journal of the run cannot be read/);
    await rm(root, { recursive: true });
  });

  it("removes half a package cache that a killed main left, also where all that is whole stays", async () => {
    const { root, folders } = await makePlace();
    const [run, draft] = [join(folders.temp, "kind-torch-c-00000000"), join(root, ".1.draft")];
    await mkdir(run);
    await writeFile(draft, "half");
    const torch = { label: "kind-torch.run=c-1", containers: [], images: [], placeholders: [], draft, engineUrl: "" };
    const state = { ...STATE, torch, namespaces: [], cleanup: false, logs: "never" };
    await writeFile(join(run, "run.json"), JSON.stringify(state));
    const result = await runStep({ entry: "post", folders, inputs: {}, state: { "run-directory": run } });
    assert.equal(result.exitCode, 0);
    assert.match(result.log.join("\n"), /cleanup: false: the cluster c and its credentials stay/);
    await assert.rejects(stat(draft), /ENOENT/);
    await rm(root, { recursive: true });
  });
});
