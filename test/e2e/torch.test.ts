import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { strToU8, unzipSync, zipSync } from "fflate";
import type { StepResult } from "../../scripts/local/runner.ts";
import { pause } from "../../src/poll.ts";
import { openEngine } from "../../src/torch/clients/engine.ts";
import { findFreePort } from "./act/artifact-bridge.ts";
import {
  type ActionRun,
  dockerLeftovers,
  eventually,
  type Machine,
  prepareMachine,
  prepareRun,
  processesNaming,
  sh,
} from "./harness.ts";
import {
  CSAR,
  DOCKER,
  type Edits,
  FIXTURE,
  holds,
  placeTorch,
  readFolder,
  readLayers,
  removeTorch,
  torchLeftovers,
  tracesOfKey,
  useLightServices,
} from "./torch.ts";

const DASHBOARD = `${DOCKER}/docker-compose-torch-dashboard-solver.yaml`;
const SERVICES = `${DOCKER}/docker-compose-torchservices-solver.yaml`;
const PLANS = `${DOCKER}/bpmn_plans_v2_3_8.zip`;
const TEMPLATE = "simple-server-and-georef";

const RESOURCES = "/usr/app/service-binding/instantiate-k8s-cluster-manual/src/main/resources";

/** Sets a variable of a compose file's only service. */
const setting = (name: string, value: string) => (text: string) =>
  text.replace(/^( +)environment:\n( +)(- )?.*$/m, (all, _, indent, list) =>
    list === undefined ? `${all}\n${indent}${name}: "${value}"` : `${all}\n${indent}- ${name}=${value}`,
  );

const logOf = (lines: readonly string[]) => lines.join("\n").replaceAll("%0A", "\n");

/** What the tests read of `docker inspect`. */
interface ContainerFacts {
  readonly Config: { readonly Image: string };
  readonly HostConfig: {
    readonly CpuShares: number;
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string }[]>>;
  };
  readonly Mounts: readonly { readonly Destination: string; readonly RW: boolean }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

describe("TORCH-V2 booted next to a cluster, and a template deployed through it", () => {
  const cluster = "e2e-torch";
  let run: ActionRun;
  let outputs: Readonly<Record<string, string>>;
  let summary: string;
  let log: string;
  let key: string;
  const torch = () => join(run.folders.workspace, "torch_v2");
  const output = (name: string) => outputs[name] ?? assert.fail(`no output ${name}`);
  const inspect = async (component: string) => {
    const [found]: readonly ContainerFacts[] = JSON.parse(await sh("docker", ["inspect", `${cluster}-${component}`]));
    return found ?? assert.fail(component);
  };
  const kubectl = (...args: readonly string[]) =>
    sh(output("kubectl-path"), ["--kubeconfig", output("kubeconfig"), ...args]);
  const engineHistory = () => openEngine(output("torch-engine-url"), AbortSignal.timeout(60_000)).readHistory();

  before(async () => {
    const machine = await prepareMachine();
    run = await prepareRun(machine, {
      "cluster-name": cluster,
      workers: "0",
      torch: "torch_v2",
      "torch-csar": CSAR,
      user: "torch-admin",
    });
    await placeTorch(torch());
    const result = await run.main();
    log = logOf(result.log);
    assert.equal(result.exitCode, 0, log);
    ({ outputs, summary } = result);
    key = await readFile(output("client-key-path"), "utf8");
  });
  after(async () => {
    await run.post();
    await run.dispose();
  });

  it("serves the dashboard, the engine and the broker at the outputs' addresses", async () => {
    assert.equal((await fetch(`${output("torch-dashboard-url")}/login`)).status, 200);
    assert.equal((await fetch(`${output("torch-broker-url")}/nowhere`, { method: "POST" })).status, 404);
    assert.equal(await openEngine(output("torch-engine-url"), AbortSignal.timeout(10_000)).notReadyReason(), undefined);
  });

  it("has every node of the template started, and its Deployments and Services in the cluster", async () => {
    for (const node of ["bologna", "simple-server", "georef"]) assert.match(log, new RegExp(`${node}: STARTED`));
    const objects = await kubectl("get", "deployments,services", `--namespace=${TEMPLATE}`, "--output=name");
    assert.deepEqual(objects.split("\n").toSorted(), [
      "deployment.apps/georef-deployment",
      "deployment.apps/simple-server-deployment",
      "service/georef-private-service",
      "service/simple-server-nodeport-service",
    ]);
  });

  it("reports TORCH-V2 in the summary and in the phases", () => {
    assert.match(summary, /\| Dashboard \| `http:\/\/127\.0\.0\.1:8005` \|/);
    assert.match(summary, /\| Template \| `.*` \| every node started: .*georef \|/);
    for (const phase of [
      "Build image: dashboard",
      "Service layer serves",
      "Deploy BPMN plans",
      "Deploy the template",
    ]) {
      assert.match(summary, new RegExp(`\\| ${phase} \\|`));
    }
  });

  it("publishes ports on 127.0.0.1 only", async () => {
    for (const component of ["dashboard", "engine", "services"]) {
      const { HostConfig } = await inspect(component);
      const bindings = Object.values(HostConfig.PortBindings).flat();
      assert.notDeepEqual(bindings, []);
      assert.deepEqual([...new Set(bindings.map((binding) => binding.HostIp))], ["127.0.0.1"]);
    }
  });

  it("leaves every component its usual share of the processors", async () => {
    for (const component of ["dashboard", "engine", "services"]) {
      // 0 is Docker's default, which is 1024.
      assert.ok([0, 1024].includes((await inspect(component)).HostConfig.CpuShares), component);
    }
  });

  it("has the service layer alone on kind's network: neither pods nor other clusters reach the others", async () => {
    for (const component of ["dashboard", "engine", "services"]) {
      const { NetworkSettings } = await inspect(component);
      assert.equal("kind" in NetworkSettings.Networks, component === "services", component);
    }
    // From a pod's network: the engine's name does not resolve, and its address does not answer.
    const [address = ""] = Object.values((await inspect("engine")).NetworkSettings.Networks).map(
      ({ IPAddress }) => IPAddress,
    );
    const inPod = (command: string) =>
      sh("docker", [
        "exec",
        `${cluster}-control-plane`,
        "bash",
        "-c",
        `
        space=$(ls /var/run/netns | head -n 1); nsenter --net=/var/run/netns/$space timeout 5 ${command} && echo reached || echo not`,
      ]);
    assert.equal(await inPod(`bash -c '</dev/tcp/${address}/8080' 2>/dev/null`), "not");
    assert.equal(
      await sh("docker", [
        "exec",
        `${cluster}-control-plane`,
        "sh",
        "-c",
        `getent hosts ${cluster}-engine || echo none`,
      ]),
      "none",
    );
    const [api = ""] = (await inPod(`bash -c '</dev/tcp/10.96.0.1/443' 2>/dev/null`)).split("\n");
    assert.equal(api, "reached", "the look from a pod's network works");
  });

  it("mounts the three credential files read-only into the service layer alone, one by one", async () => {
    const mounts = async (component: string) => {
      const { Mounts } = await inspect(component);
      return Mounts.map(({ Destination, RW }) => `${Destination} ${RW ? "rw" : "ro"}`).toSorted();
    };
    assert.deepEqual(await mounts("services"), [
      `${RESOURCES}/ca.crt ro`,
      `${RESOURCES}/torch-admin-signed.crt ro`,
      `${RESOURCES}/torch-admin.key ro`,
    ]);
    assert.deepEqual([...(await mounts("dashboard")), ...(await mounts("engine"))], []);
  });

  it("has no credential in a layer, a build argument, an image's configuration or a build context", async () => {
    const certificate = await readFile(output("client-certificate-path"), "utf8");
    const traces = [...tracesOfKey(key), ...tracesOfKey(certificate)];
    assert.ok(holds(key, traces) && holds(certificate, traces), "the search finds what is there");
    const known: Readonly<Record<string, string>> = {
      dashboard: "class ",
      engine: "FlowableRestApplication",
      services: "CONNECTOR_DELAYS_ONCE",
    };
    for (const [component, word] of Object.entries(known)) {
      const layers = await readLayers((await inspect(component)).Config.Image);
      assert.ok(layers.size >= 3, `${component} has ${layers.size} files`);
      assert.ok(
        [...layers.values()].some((bytes) => bytes.includes(word)),
        `${component}: no ${word}`,
      );
      for (const [name, bytes] of layers) assert.ok(!holds(bytes, traces), `${component}: ${name}`);
    }
    for (const [name, bytes] of await readFolder(torch())) assert.ok(!holds(bytes, traces), name);
  });

  it("leaves the CSAR as it was", async () => {
    assert.ok((await readFile(join(FIXTURE, CSAR))).equals(await readFile(join(torch(), CSAR))));
  });

  it("does not deploy the BPMN plans a second time", async () => {
    const engine = openEngine(output("torch-engine-url"), AbortSignal.timeout(60_000));
    const deployments = async () => {
      const response = await fetch(`${output("torch-engine-url")}/flowable-rest/service/repository/deployments`, {
        headers: { authorization: `Basic ${Buffer.from("rest-admin:test").toString("base64")}` },
      });
      const { data }: { data: { id: string }[] } = Object(await response.json());
      return data.map((deployment) => deployment.id).toSorted();
    };
    const present = await deployments();
    const zip = await readFile(join(torch(), PLANS));
    const again = await engine.deployPlans(join(torch(), PLANS), zip);
    assert.equal(again.deployed, false);
    assert.notDeepEqual(again.processes, []);
    assert.deepEqual(await deployments(), present);
    // Other plans are another deployment.
    const other = await engine.deployPlans(join(torch(), PLANS), zipSync(unzipSync(zip), { level: 0 }));
    assert.equal(other.deployed, true);
    assert.equal((await deployments()).length, present.length + 1);
  });

  it("collects logs without a key, a certificate or a password after a failure, and leaves nothing", async () => {
    const traces = tracesOfKey(key);
    const runDirectory = join(output("kubeconfig"), "..");
    const password = await readFile(join(runDirectory, "torch-password"), "utf8");
    const encoded = Buffer.from(key).toString("base64");
    // TORCH-V2 really exposes the key: otherwise the search below could not find anything.
    assert.ok(JSON.stringify(await engineHistory()).includes(encoded), "the key is in the engine's variables");

    const { exitCode, log: printed } = await run.post({ inputs: { "job-status": "failure" } });
    assert.equal(exitCode, 0);
    const place = /The logs are in (\S+)/.exec(printed.join("\n"))?.[1] ?? assert.fail(printed.join("\n"));
    const collected = await readFolder(place);
    const connector = "usr_app_service-binding_instantiate-du-kubernetes_instantiate-du-kubernetes-logs.txt";
    for (const name of [
      ...[`${cluster}-services.log`, `${cluster}-dashboard.log`, "flowable-history.json"],
      `${cluster}-services_${connector}`,
    ]) {
      assert.ok(collected.has(`torch/${name}`), `${name} of ${[...collected.keys()].join(", ")}`);
    }
    for (const [name, bytes] of collected) {
      assert.ok(!holds(bytes, traces), name);
      assert.ok(!bytes.includes(password), name);
    }
    assert.ok(collected.get("torch/flowable-history.json")?.includes("[redacted]"));
    assert.deepEqual(await torchLeftovers(cluster), []);
    assert.deepEqual(await dockerLeftovers(cluster), []);
    assert.deepEqual(await processesNaming(runDirectory), []);
    await assert.rejects(stat(runDirectory), { code: "ENOENT" });
  });
});

describe("TORCH-V2 from a git URL, on the guide's other network", () => {
  const cluster = "e2e-torch-external";
  let run: ActionRun;
  let repositories: { readonly url: string; close(): Promise<void> };
  before(async () => {
    const machine = await prepareMachine();
    run = await prepareRun(machine, {
      "cluster-name": cluster,
      workers: "0",
      "torch-ref": "main",
      "torch-endpoint": "external",
      "torch-csar": CSAR,
      cleanup: "false",
    });
    // A connector that is late only at the first start: the service layer is restarted and finds it.
    await placeTorch(join(run.folders.workspace, "torch_v2"), {
      [SERVICES]: setting("CONNECTOR_DELAYS_ONCE", "instantiate-du-kubernetes=40"),
    });
    repositories = await serveRepository(join(run.folders.workspace, "torch_v2"));
  });
  after(async () => {
    await repositories.close();
    await removeTorch(cluster);
    for (const container of await dockerLeftovers(cluster)) {
      await sh("docker", ["rm", "--force", "--volumes", container]);
    }
    await run.dispose();
  });

  it("reaches the API server through the Docker host, by a name in its certificate", async () => {
    const result = await run.main({ inputs: { torch: repositories.url } });
    const log = logOf(result.log);
    assert.equal(result.exitCode, 0, log);
    assert.match(log, /georef: STARTED/);
    assert.match(log, /The service layer lost a connector \(.*discovery failed.*\)\. Restarting it \(1 of 2\)/);
    const networks = await sh("docker", [
      ...["inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}"],
      `${cluster}-services`,
    ]);
    assert.doesNotMatch(networks, /^kind$/m);
    const dashboard = await fetch(`${result.outputs["torch-dashboard-url"]}/login`);
    assert.equal(dashboard.status, 200);

    const kubectl = result.outputs["kubectl-path"] ?? "";
    const namespaces = () =>
      sh(kubectl, [`--kubeconfig=${result.outputs.kubeconfig}`, "get", "namespaces", "--output=name"]);
    assert.match(await namespaces(), new RegExp(`namespace/${TEMPLATE}`));
    const post = await run.post();
    assert.equal(post.exitCode, 0);
    // With cleanup: false everything stays, except for what would break a second run.
    assert.doesNotMatch(await namespaces(), new RegExp(`namespace/${TEMPLATE}`));
    assert.notDeepEqual(await torchLeftovers(cluster), []);
  });
});

/** Each ends in an error that names the cause, and post leaves nothing. */
describe("a boot of TORCH-V2 that fails", () => {
  let machine: Machine;
  before(async () => {
    machine = await prepareMachine();
  });

  interface Case {
    readonly name: string;
    readonly edits?: Edits;
    readonly prepare?: (torch: string) => Promise<void>;
    readonly inputs?: Readonly<Record<string, string>>;
    readonly expected: readonly RegExp[];
    readonly absent?: RegExp;
    /** Whether it may fail before there is a key. */
    readonly early?: true;
    /** Whether the light service layer is enough. */
    readonly light?: true;
  }
  /** One error, in log and summary, with the expected words. */
  function assertReported(result: StepResult, { expected, absent }: Pick<Case, "expected" | "absent">): void {
    const errors = result.log.filter((line) => line.startsWith("::error::"));
    assert.equal(result.exitCode, 1, logOf(result.log));
    assert.equal(errors.length, 1, "one report");
    for (const words of expected) assert.match(logOf(errors), words);
    if (absent !== undefined) assert.doesNotMatch(logOf(errors), absent);
    assert.match(result.summary, /^## The step failed: .*\n\n> \[!CAUTION\]\n> \S/);
  }
  const cases: readonly Case[] = [
    {
      name: "a dashboard whose script continued although composer failed: at once, with composer's words",
      edits: { [DASHBOARD]: setting("COMPOSER_FAILS", "1") },
      early: true,
      light: true,
      expected: [
        /The dashboard does not serve: .* no other program runs/,
        /Last lines of the dashboard/,
        /composer|vendor/i,
      ],
    },
    {
      name: "a dashboard that answers with an error: the page's words, and none of our own requests",
      edits: { [DASHBOARD]: setting("APP_KEY_FAILS", "1") },
      early: true,
      light: true,
      expected: [/The dashboard does not serve: .*status 500: .*key/i, /Last lines of the dashboard/],
      absent: /GET \/login HTTP|\[500\]: GET/,
    },
    {
      name: "an image that cannot be built: which, and the step that failed",
      edits: { "service-layer/Dockerfile": (text) => text.replace(/^COPY .*$/m, "$&\nRUN cat not-there") },
      early: true,
      expected: [/The service layer's image was not built from .*service-layer/, /cat not-there/, /No such file/],
    },
    {
      name: "a user without rights: the API server's words, from the connector's own file",
      light: true,
      inputs: { "torch-csar": CSAR, rbac: "none" },
      expected: [
        /The process of the node bologna/,
        /The user lacks the rights that the connector needs/,
        /manual-logs\.txt\] .*forbidden/,
      ],
    },
    {
      name: "a connector that never starts: restarts, each reported, and the broker's own words",
      edits: { [SERVICES]: setting("CONNECTOR_DELAYS", "instantiate-du-kubernetes=3600") },
      light: true,
      expected: [
        /The service layer lost a connector, even after 2 restarts: .*InstantiateDU-kubernetes discovery failed/,
        /A connector starts later than the broker/,
      ],
    },
    {
      name: "BPMN plans that Flowable refuses: its own words",
      prepare: (torch) =>
        writeFile(join(torch, PLANS), zipSync({ "broken.bpmn20.xml": strToU8("<definitions><process") })),
      early: true,
      light: true,
      expected: [/The Flowable engine refuses the BPMN plans .*bpmn_plans/, /status \d+: .*(?:XML|parse)/i],
    },
  ];
  it("killed while its containers start: post leaves nothing", async () => {
    const cluster = "e2e-torch-killed";
    const run = await prepareRun(machine, { "cluster-name": cluster, workers: "0", torch: "torch_v2", logs: "never" });
    try {
      await placeTorch(join(run.folders.workspace, "torch_v2"));
      let pid = 0;
      const ended = run.main({
        onStart: (started) => {
          pid = started;
        },
      });
      const starts = async () => (await torchLeftovers(cluster)).some((line) => line.startsWith("container"));
      await eventually("a container starts", starts);
      process.kill(pid, "SIGKILL");
      assert.equal((await ended).signal, "SIGKILL");
      await run.post({ inputs: { "job-status": "failure" } });
      // What Docker was still doing when its client was killed would appear late.
      await pause(2000);
      assert.deepEqual(await torchLeftovers(cluster), []);
      assert.deepEqual(await dockerLeftovers(cluster), []);
      assert.deepEqual(await processesNaming(`${run.folders.temp}/kind-torch-`), []);
    } finally {
      await run.post();
      await removeTorch(cluster);
      await run.dispose();
    }
  });

  for (const { name, edits = {}, prepare, inputs = {}, light, ...failure } of cases) {
    it(name, async () => {
      const cluster = "e2e-torch-fails";
      const run = await prepareRun(machine, {
        "cluster-name": cluster,
        workers: "0",
        torch: "torch_v2",
        "torch-wait": "5m",
        ...inputs,
      });
      try {
        const torch = join(run.folders.workspace, "torch_v2");
        await placeTorch(torch, edits);
        if (light) await useLightServices(torch);
        await prepare?.(torch);
        const result = await run.main();
        assertReported(result, failure);
        const runDirectory = result.state["run-directory"] ?? assert.fail("no run folder");
        const key = await readFile(join(runDirectory, "credentials/torch.key"), "utf8").catch(() => "");
        if (failure.early !== true) assert.notEqual(key, "", "a key to look for");
        const post = await run.post({ inputs: { "job-status": "failure" } });
        assert.equal(post.exitCode, 0);
        assert.deepEqual(
          post.log.filter((line) => line.startsWith("::warning::")),
          [],
        );
        const traces = key === "" ? [] : tracesOfKey(key);
        assert.ok(!holds(logOf([...result.log, ...post.log]) + result.summary, traces));
        for (const [file, bytes] of await readFolder(run.folders.temp)) assert.ok(!holds(bytes, traces), file);
        assert.deepEqual(await torchLeftovers(cluster), []);
        assert.deepEqual(await dockerLeftovers(cluster), []);
        assert.deepEqual(await processesNaming(runDirectory), []);
        await assert.rejects(stat(runDirectory), { code: "ENOENT" });
      } finally {
        await run.post();
        await run.dispose();
      }
    });
  }
});

/** A git repository of a folder, served on loopback. */
async function serveRepository(folder: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const git = (...args: readonly string[]) => sh("git", ["-C", folder, ...args]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=Test");
  const port = await findFreePort();
  const options = ["--export-all", "--reuseaddr", "--listen=127.0.0.1", `--port=${port}`, `--base-path=${folder}/..`];
  const daemon = spawn("git", ["daemon", ...options], { stdio: "ignore", detached: true });
  await eventually("git answers", () =>
    git("ls-remote", `git://127.0.0.1:${port}/torch_v2`).then(
      () => true,
      () => false,
    ),
  );
  return {
    url: `git://127.0.0.1:${port}/torch_v2`,
    async close() {
      const ended = new Promise((resolve) => daemon.once("close", resolve));
      // git starts the daemon as a child of its own.
      if (daemon.pid !== undefined) process.kill(-daemon.pid);
      await ended;
    },
  };
}
