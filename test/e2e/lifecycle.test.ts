import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { builtInCatalog, parseCatalog } from "../../src/versions/catalog.ts";
import { resolveVersions } from "../../src/versions/resolve.ts";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import {
  type ActionRun,
  dockerLeftovers,
  eventually,
  type Machine,
  prepareMachine,
  prepareRun,
  processesNaming,
  sh,
  volumes,
  volumesOf,
} from "./harness.ts";

/** A run that is killed at one moment, and what must hold after post. */
describe("main killed by SIGKILL, then post", () => {
  let machine: Machine;
  before(async () => {
    machine = await prepareMachine();
  });

  const containerExists = async (name: string) => (await dockerLeftovers(name)).length > 0;
  const inNode = (cluster: string, ...command: readonly string[]) =>
    sh("docker", ["exec", `${cluster}-control-plane`, ...command]).then(
      (output) => output,
      () => "",
    );

  const moments: readonly {
    readonly name: string;
    readonly cluster: string;
    readonly reached: (cluster: string, run: ActionRun) => Promise<boolean>;
  }[] = [
    {
      name: "at the first container",
      cluster: "e2e-kill-container",
      reached: (cluster) => containerExists(cluster),
    },
    {
      name: "during kubeadm",
      cluster: "e2e-kill-kubeadm",
      reached: async (cluster) => (await inNode(cluster, "pidof", "kubeadm")) !== "",
    },
    {
      name: "after the certificate request",
      cluster: "e2e-kill-csr",
      reached: async (cluster) => {
        const admin = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"];
        const requests = await inNode(cluster, ...admin, "get", "csr", "--output=name");
        return /certificatesigningrequest.*torch-/.test(requests);
      },
    },
  ];

  for (const { name, cluster, reached } of moments) {
    it(`${name}: nothing of the run is left`, async () => {
      const run = await prepareRun(machine, {
        "cluster-name": cluster,
        workers: "0",
        "credentials-directory": "made/by/the/run",
      });
      try {
        await killWhen(run, () => reached(cluster, run));
        const mounted = await volumesOf(await dockerLeftovers(cluster));
        await expectNothingLeft(run, cluster, mounted);
      } finally {
        await run.post();
        await run.dispose();
      }
    });
  }

  it("during the artifact's upload: nothing of the run is left", async () => {
    const cluster = "e2e-kill-upload";
    // A fake of the artifact service: it takes the first request and never answers.
    let asked = false;
    const service = createServer(() => {
      asked = true;
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    const { port }: AddressInfo = Object(service.address());
    // The client reads the run's and the job's identity from the token: a JWT with the scope that GitHub gives.
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = `${part({ alg: "none" })}.${part({ scp: "Actions.Results:run:job" })}.`;
    const run = await prepareRun(machine, { "cluster-name": cluster, workers: "0", artifact: "true" });
    try {
      await killWhen(run, async () => asked, {
        ACTIONS_RUNTIME_TOKEN: token,
        ACTIONS_RESULTS_URL: `http://127.0.0.1:${port}/`,
      });
      const mounted = await volumesOf(await dockerLeftovers(cluster));
      assert.notDeepEqual(mounted, []);
      await expectNothingLeft(run, cluster, mounted);
    } finally {
      service.closeAllConnections();
      service.close();
      await run.post();
      await run.dispose();
    }
  });

  it("before the create: a cluster of the same name that someone else creates then is untouched, and later replaced only on request", async () => {
    const cluster = "e2e-kill-early";
    const run = await prepareRun(machine, { "cluster-name": cluster, workers: "0" });
    const second = await prepareRun(machine, { "cluster-name": cluster, workers: "0" });
    const third = await prepareRun(machine, { "cluster-name": cluster, workers: "0", existing: "replace" });
    try {
      await killWhen(run, async () => (await findRecord(run)) !== undefined);
      assert.deepEqual(await dockerLeftovers(cluster), []);
      // As it is just before kind is started: from then on post looks for containers of this name.
      const record = (await findRecord(run)) ?? assert.fail("no record");
      const written: object = JSON.parse(await readFile(record, "utf8"));
      await writeFile(record, JSON.stringify({ ...written, created: true }));

      const { kind, image } = await someoneElsesTools(run);
      const theirs = join(run.folders.workspace, "theirs.kubeconfig");
      await sh(kind, ["create", "cluster", "--name", cluster, "--image", image, "--kubeconfig", theirs], 300);
      const [container = assert.fail("no container")] = await containerIds(cluster);

      await run.post();
      assert.deepEqual(await containerIds(cluster), [container], "post of the killed run");

      const refused = await second.main();
      assert.equal(refused.exitCode, 1);
      assert.match(refused.log.join("\n"), /exists already/);
      await second.post();
      assert.deepEqual(await containerIds(cluster), [container], "a run that was refused");
      assert.match(
        await inNode(cluster, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "get", "--raw", "/readyz"),
        /ok/,
      );

      const replaced = await third.main();
      assert.equal(replaced.exitCode, 0, replaced.log.join("\n"));
      assert.ok(!(await containerIds(cluster)).includes(container), "existing: replace");
    } finally {
      await third.post();
      const ids = await containerIds(cluster);
      if (ids.length > 0) await sh("docker", ["rm", "--force", "--volumes", ...ids]);
      for (const each of [run, second, third]) await each.dispose();
    }
  });

  it("by SIGINT, as a cancelled job is: it ends its children, says so, and post leaves nothing", async () => {
    const cluster = "e2e-cancel";
    const run = await prepareRun(machine, { "cluster-name": cluster, workers: "0" });
    try {
      let pid = 0;
      const ended = run.main({
        onStart: (started) => {
          pid = started;
        },
      });
      await eventually("kubeadm runs", async () => (await inNode(cluster, "pidof", "kubeadm")) !== "", 180);
      process.kill(pid, "SIGINT");
      const result = await ended;
      assert.equal(result.exitCode, 130);
      assert.match(result.log.join("\n"), /::error::The step was stopped \(SIGINT\)/);
      assert.deepEqual(await processesNaming(`${run.folders.temp}/kind-torch-`), []);
      await expectNothingLeft(run, cluster, await volumesOf(await dockerLeftovers(cluster)));
    } finally {
      await run.post();
      await run.dispose();
    }
  });

  for (const { signal, frozen } of [
    { signal: "SIGKILL", frozen: false },
    { signal: "SIGINT", frozen: false },
    { signal: "SIGKILL", frozen: true },
  ] as const) {
    it(`by ${signal} while Docker creates the nodes${frozen ? ", with an engine that hangs meanwhile" : ""}: nothing of the run appears later`, {
      skip: frozen && WITHOUT_ROOT,
    }, async () => {
      const cluster = "e2e-kill-making";
      const run = await prepareRun(machine, { "cluster-name": cluster, workers: "1" });
      const before = await volumes();
      const engine = await sh("pidof", ["-s", "dockerd"]);
      let thawed: Promise<void> | undefined;
      try {
        let pid = 0;
        const ended = run.main({
          onStart: (started) => {
            pid = started;
          },
        });
        await eventually("Docker is asked to make a node", async () =>
          (await processesNaming(`${cluster}-control-plane`)).some((line) => line.includes(" run --name ")),
        );
        if (frozen) {
          await sh(...asRoot("kill", ["-STOP", engine]));
          thawed = sleep(5000).then(async () => {
            await sh(...asRoot("kill", ["-CONT", engine]));
          });
        }
        process.kill(pid, signal);
        await ended;
        await expectNothingLeft(run, cluster, []);
        // Docker continues what a client asked for, even after the client has ended.
        await sleep(5000);
        assert.deepEqual(await dockerLeftovers(cluster), []);
        assert.deepEqual(
          (await volumes()).filter((name) => !before.includes(name)),
          [],
        );
      } finally {
        await thawed;
        await run.post();
        await run.dispose();
      }
    });
  }

  it("two runs with the same name at once: one creates the cluster, the other reports it and leaves it alone", async () => {
    const cluster = "e2e-race";
    const runs = [
      await prepareRun(machine, { "cluster-name": cluster, workers: "0", wait: "0s" }),
      await prepareRun(machine, { "cluster-name": cluster, workers: "0", wait: "0s" }),
    ];
    try {
      const results = await Promise.all(runs.map((each) => each.main()));
      const losers = results.filter((result) => result.exitCode !== 0);
      assert.equal(losers.length, 1);
      assert.match(
        losers[0]?.log.join("\n") ?? "",
        /created a (?:cluster of this name|container with the name of a node)|exists already/,
      );
      const [loser = assert.fail("no loser")] = runs.filter((_, index) => results[index]?.exitCode !== 0);
      await loser.post({ inputs: { "job-status": "failure" } });
      assert.match(
        await inNode(cluster, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "get", "--raw", "/readyz"),
        /ok/,
      );
    } finally {
      for (const each of runs) {
        await each.post();
        await each.dispose();
      }
    }
    assert.deepEqual(await dockerLeftovers(cluster), []);
  });

  /** The record that main keeps for post, once it exists. */
  async function findRecord(run: ActionRun): Promise<string | undefined> {
    const folder = (await readdir(run.folders.temp)).find((name) => name.startsWith("kind-torch-"));
    const path = join(run.folders.temp, folder ?? "none", "run.json");
    return await stat(path).then(
      () => path,
      () => undefined,
    );
  }

  async function containerIds(cluster: string): Promise<readonly string[]> {
    const ids = await sh("docker", ["ps", "--all", "--quiet", "--filter", `label=io.x-k8s.kind.cluster=${cluster}`]);
    return ids.split("\n").filter((id) => id !== "");
  }

  /** kind and the node image as someone else on the machine would use them. */
  async function someoneElsesTools(run: ActionRun): Promise<{ readonly kind: string; readonly image: string }> {
    const { catalog } = await machine.inputs(run.folders.temp);
    const resolution = resolveVersions(
      { kubernetes: undefined, kind: undefined, kubectl: undefined, nodeImage: undefined, configuredImages: [] },
      catalog === undefined ? builtInCatalog() : parseCatalog(await readFile(catalog, "utf8")),
      undefined,
    );
    assert.ok(resolution.ok);
    const { kind, nodeImage } = resolution.versions;
    return { kind: join(run.folders.toolCache, "kind", kind, process.arch, "kind"), image: nodeImage };
  }

  async function killWhen(run: ActionRun, reached: () => Promise<boolean>, environment = {}): Promise<void> {
    let pid = 0;
    const ended = run.main({
      environment,
      onStart: (started) => {
        pid = started;
      },
    });
    await Promise.race([
      eventually("the moment to kill came", reached, 180),
      ended.then((result) => assert.fail(`main ended before it was killed:\n${result.log.join("\n")}`)),
    ]);
    process.kill(pid, "SIGKILL");
    assert.equal((await ended).signal, "SIGKILL");
  }

  async function expectNothingLeft(run: ActionRun, cluster: string, mounted: readonly string[]): Promise<void> {
    const result = await run.post({ inputs: { "job-status": "failure" } });
    assert.equal(result.exitCode, 0);
    assert.doesNotMatch(result.log.join("\n"), /::error|::warning/);
    assert.deepEqual(await dockerLeftovers(cluster), []);
    const left = await volumes();
    assert.deepEqual(
      mounted.filter((name) => left.includes(name)),
      [],
    );
    assert.deepEqual(await processesNaming(`${run.folders.temp}/kind-torch-`), []);
    assert.deepEqual(await readdir(run.folders.workspace), [], "no credential file, nor a folder made for one");
    const home = await readFile(join(process.env.HOME ?? "/", ".kube/config"), "utf8").catch(() => "");
    assert.ok(!home.includes(cluster), "no entry in the user's own kubeconfig");
    const folders = await readdir(run.folders.temp);
    assert.deepEqual(
      folders.filter((name) => name.startsWith("kind-torch-")),
      [],
    );
  }
});

describe("a cluster that cannot come up", () => {
  let machine: Machine;
  before(async () => {
    machine = await prepareMachine();
  });

  it("because of a missing file: reported while kubeadm still waits, in the component's words, and not tried again", async () => {
    const configuration = [
      ...["kind: Cluster", "apiVersion: kind.x-k8s.io/v1alpha4", "nodes:", "- role: control-plane"],
      ...["  kubeadmConfigPatches:", "  - |", "    kind: ClusterConfiguration", "    apiServer:", "      extraArgs:"],
      "        audit-policy-file: /etc/none/policy.yaml",
    ].join("\n");
    const run = await prepareRun(machine, { "cluster-name": "e2e-no-file", "kind-config": configuration });
    try {
      const result = await run.main();
      assert.equal(result.exitCode, 1);
      const log = result.log.join("\n").replaceAll("%0A", "\n");
      assert.match(log, /kube-apiserver on e2e-no-file-control-plane keeps ending/);
      assert.match(log, /open \/etc\/none\/policy\.yaml: no such file or directory/);
      assert.match(log, /kind-config has it in line 10: audit-policy-file/);
      assert.doesNotMatch(log, /Try 1 of 2 failed/);
    } finally {
      await run.post();
      await run.dispose();
    }
    assert.deepEqual(await dockerLeftovers("e2e-no-file"), []);
  });
});

describe("a machine that lacks something", () => {
  let machine: Machine;
  before(async () => {
    machine = await prepareMachine();
  });

  it("has too little disk space: refused, with the available and the required space", {
    skip: WITHOUT_ROOT,
  }, async () => {
    const run = await prepareRun(machine, { "cluster-name": "e2e-disk" });
    const root = join(run.folders.temp, "small");
    await mkdir(root);
    await sh(...asRoot("mount", ["-t", "tmpfs", "-o", "size=512m,mode=755", "tmpfs", root]));
    const socket = join(root, "docker.sock");
    // A second Docker Engine, real but small, and separate from the machine's own: in a network namespace of its own,
    // since an engine without a bridge deletes the bridge that it finds.
    const pidFile = join(root, "docker.pid");
    const engine = spawn(
      ...asRoot("unshare", [
        ...["--net", "dockerd", `--group=${process.getgid?.()}`],
        ...["--host", `unix://${socket}`, "--data-root", join(root, "data"), "--exec-root", join(root, "exec")],
        ...["--pidfile", pidFile, "--bridge=none", "--iptables=false", "--ip6tables=false"],
        // If containerd is the machine's own, both engines use it.
        ...["--containerd-namespace=kind-torch-test", "--containerd-plugins-namespace=kind-torch-test-plugins"],
      ]),
      { stdio: "ignore" },
    );
    try {
      const host = { DOCKER_HOST: `unix://${socket}` };
      await eventually("the small Docker Engine answers", () =>
        sh("docker", ["--host", host.DOCKER_HOST, "info"]).then(
          () => true,
          () => false,
        ),
      );
      const result = await run.main({ environment: host });
      assert.equal(result.exitCode, 1);
      assert.match(result.log.join("\n"), /0\.\d GiB free in .* is too little disk space for a node image/);
      assert.deepEqual(Object.keys(result.state), ["main"]);
    } finally {
      const ended = new Promise((resolve) => engine.once("exit", resolve));
      await sh(...asRoot("kill", [await readFile(pidFile, "utf8")]));
      await ended;
      await sh(...asRoot("umount", ["--recursive", root]));
      await run.dispose();
    }
  });

  it("has no artifact service: a warning, and the files stay where they are", async () => {
    const run = await prepareRun(machine, {
      "cluster-name": "e2e-service",
      workers: "0",
      artifact: "true",
      wait: "0s",
    });
    try {
      const result = await run.main({ environment: { ACTIONS_RUNTIME_TOKEN: "", ACTIONS_RESULTS_URL: "" } });
      assert.equal(result.exitCode, 0, result.log.join("\n"));
      assert.match(result.log.join("\n"), /::warning::No artifact service on this runner/);
      assert.match(result.log.join("\n"), /nodes and CoreDNS were not waited for/);
      await stat(result.outputs["client-key-path"] ?? "");
    } finally {
      await run.post();
      await run.dispose();
    }
  });
});
