import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { createKindNetwork } from "../../src/docker/kind-network.ts";
import { createExec } from "../../src/exec.ts";
import { planLoadBalancer } from "../../src/load-balancer/plan.ts";
import { checkProvider, removeLoadBalancers, startProvider } from "../../src/load-balancer/provider.ts";
import { builtInCatalog, parseCatalog } from "../../src/versions/catalog.ts";
import { kubeletPatches, newestMinor } from "../../testbed/releases.ts";
import { type ActionRun, eventually, type Machine, machineOf, prepareRun, sh } from "./harness.ts";

const OLD = "e2e-balancer-old";
const NEW = "e2e-balancer-new";
const KILLED = "e2e-balancer-killed";

type Result = Awaited<ReturnType<ActionRun["main"]>>;

const output = (result: Result, name: string) => result.outputs[name] ?? assert.fail(`no output ${name}`);
const kubectl = (result: Result, ...args: readonly string[]) =>
  sh(output(result, "kubectl-path"), ["--kubeconfig", output(result, "kubeconfig"), ...args]);
const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");
const list = async (...filters: readonly string[]) => {
  const names = filters.map((filter) => `--filter=${filter}`);
  return linesOf(await sh("docker", ["ps", "--all", "--format={{.Names}}", ...names])).toSorted();
};
/** The provider and the load balancers of a cluster. */
const balancersOf = async (cluster: string) => [
  ...(await list(`name=^/?${cluster}-cloud-provider$`)),
  ...(await list(`label=io.x-k8s.cloud-provider-kind.cluster=${cluster}`)),
];

/** A server of an image that every node has: CoreDNS, which answers OK to /health. */
const SERVER = (image: string) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: server }
data:
  Corefile: ".:8053 {\\n  health :8181\\n}\\n"
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: server }
spec:
  selector: { matchLabels: { app: server } }
  template:
    metadata: { labels: { app: server } }
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{ operator: Exists }]
      containers:
        - name: server
          image: ${image}
          args: [-conf, /etc/server/Corefile]
          readinessProbe: { httpGet: { path: /health, port: 8181 }, periodSeconds: 1 }
          volumeMounts: [{ name: configuration, mountPath: /etc/server }]
      volumes: [{ name: configuration, configMap: { name: server } }]
---
${SERVICE("balanced")}
`;

function SERVICE(name: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { type: LoadBalancer, selector: { app: server }, ports: [{ port: 80, targetPort: 8181 }] }
`;
}

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gateway }
spec:
  gatewayClassName: cloud-provider-kind
  listeners: [{ name: http, protocol: HTTP, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: route }
spec:
  parentRefs: [{ name: gateway }]
  hostnames: [app.example]
  rules: [{ backendRefs: [{ name: balanced, port: 80 }] }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ingress }
spec:
  rules:
    - host: ingress.example
      http:
        paths: [{ path: /, pathType: Prefix, backend: { service: { name: balanced, port: { number: 80 } } } }]
`;

async function apply(run: ActionRun, result: Result, name: string, manifest: string): Promise<void> {
  const file = join(run.folders.temp, `${name}.yaml`);
  await writeFile(file, manifest);
  await kubectl(result, "apply", `--filename=${file}`);
}

async function serve(run: ActionRun, result: Result): Promise<void> {
  const path = "--output=jsonpath={.spec.template.spec.containers[0].image}";
  const image = await kubectl(result, "--namespace=kube-system", "get", "deployment", "coredns", path);
  await apply(run, result, "server", SERVER(image));
}

const ADDRESS = "--output=jsonpath={.status.loadBalancer.ingress[0].ip}";

async function addressOf(result: Result, what: string, path = ADDRESS): Promise<string> {
  let address = "";
  await eventually(`${what} has an address`, async () => {
    address = await kubectl(result, "get", what, path);
    return /^\d+(\.\d+){3}$/.test(address);
  });
  return address;
}

/** Asks by HTTP from this machine, until it answers: a proxy that has just started looks at its backends first. */
async function answers(address: string, host?: string): Promise<void> {
  const header = host === undefined ? [] : ["--header", `Host: ${host}`];
  const curl = ["--silent", "--show-error", "--max-time", "2", ...header, `http://${address}/health`];
  await eventually(`${address} answers`, async () => (await sh("curl", curl).catch(() => "")) === "OK", 30);
}

describe("load balancers", { concurrency: 1 }, () => {
  const minor = newestMinor();
  let machine: Machine;
  let old: ActionRun;
  let newest: ActionRun;
  let oldResult: Result;
  let newResult: Result;
  /** A run that is killed as its provider starts, in parallel to the tests of the others. */
  let killed: ActionRun;
  let killing: Promise<Result>;
  let oldAddress: string;
  let newAddress: string;

  before(async () => {
    const newMachine = machineOf(await raiseBedFor(minor, console.error));
    machine = machineOf(await raiseBedFor("1.28", console.error));
    old = await prepareRun(machine, { "cluster-name": OLD, "load-balancer": "true", workers: "0", logs: "never" });
    newest = await prepareRun(newMachine, {
      "cluster-name": NEW,
      "kubernetes-version": minor,
      "load-balancer": "true",
      "kind-config": JSON.stringify({
        kind: "Cluster",
        apiVersion: "kind.x-k8s.io/v1alpha4",
        kubeadmConfigPatches: kubeletPatches(minor),
      }),
    });
    [oldResult, newResult] = await Promise.all([old.main(), newest.main()]);
    for (const result of [oldResult, newResult]) assert.equal(result.exitCode, 0, result.log.join("\n"));
    killed = await prepareRun(machine, { "cluster-name": KILLED, "load-balancer": "true", workers: "0" });
    killing = killWhenProviding(killed);
    killing.catch(() => undefined);
  });
  after(async () => {
    for (const run of [old, newest, killed]) {
      await run?.post();
      await run?.dispose();
    }
  });

  async function killWhenProviding(run: ActionRun): Promise<Result> {
    let pid = 0;
    const main = run.main({
      onStart: (started) => {
        pid = started;
      },
    });
    await eventually("the provider is there", async () => (await balancersOf(KILLED)).length > 0, 120);
    process.kill(pid, "SIGKILL");
    return await main;
  }

  /** A run whose catalog names an image that is nowhere. */
  async function refuse(broken: "image" | "proxy"): Promise<void> {
    const cluster = `e2e-balancer-no-${broken}`;
    const run = await prepareRun(machine, { "cluster-name": cluster, "load-balancer": "true" });
    try {
      const { catalog } = await machine.inputs(run.folders.temp);
      const read = catalog === undefined ? builtInCatalog() : parseCatalog(await readFile(catalog, "utf8"));
      const image = `envoyproxy/envoy:none@sha256:${"0".repeat(64)}`;
      const changed = { ...read, cloudProvider: { ...read.cloudProvider, [broken]: image } };
      const file = join(run.folders.workspace, "catalog.json");
      await writeFile(file, JSON.stringify(changed));
      const { exitCode, log } = await run.main({ inputs: { catalog: file } });
      assert.equal(exitCode, 1);
      assert.ok(
        log.some((line) => line.includes(`pulling ${image}`)),
        log.join("\n"),
      );
      assert.deepEqual(await list(`label=io.x-k8s.kind.cluster=${cluster}`), []);
      assert.deepEqual(await balancersOf(cluster), []);
    } finally {
      await run.post();
      await run.dispose();
    }
  }

  it("serve when the step ends, and are in the summary", () => {
    for (const result of [oldResult, newResult]) {
      assert.ok(
        result.log.some((line) => line.includes("Load balancers") && line.includes("Services of type LoadBalancer")),
      );
    }
    assert.ok(newResult.log.some((line) => line.includes("Gateways")));
  });

  it("give a Service an address that this machine reaches, on 1.28 and on the newest", async () => {
    await Promise.all([serve(old, oldResult), serve(newest, newResult)]);
    [oldAddress, newAddress] = await Promise.all([
      addressOf(oldResult, "service/balanced"),
      addressOf(newResult, "service/balanced"),
    ]);
    await Promise.all([answers(oldAddress), answers(newAddress)]);
  });

  it("are reached by a pod", async () => {
    for (const [node, address] of [
      [`${OLD}-control-plane`, oldAddress],
      [`${NEW}-worker`, newAddress],
    ] as const) {
      const pid = await sh("docker", ["exec", node, "pgrep", "-f", "/etc/server/Corefile"]);
      const curl = ["curl", "--silent", "--show-error", "--max-time", "20", `http://${address}/health`];
      assert.equal(await sh("docker", ["exec", node, "nsenter", `--target=${pid}`, "--net", ...curl]), "OK", node);
    }
  });

  it("serve a Gateway with its route, and an Ingress, on the newest", async () => {
    await apply(newest, newResult, "gateway", GATEWAY);
    const path = "--output=jsonpath={.status.addresses[0].value}";
    const [gateway, ingress] = await Promise.all([
      addressOf(newResult, "gateway/gateway", path),
      addressOf(newResult, "ingress/ingress"),
    ]);
    await Promise.all([answers(gateway, "app.example"), answers(ingress, "ingress.example")]);
  });

  it("run the catalog's image, have the run's label, and publish nothing on this machine", async () => {
    const { catalog } = await machine.inputs(old.folders.temp);
    const read = catalog === undefined ? builtInCatalog() : parseCatalog(await readFile(catalog, "utf8"));
    const format =
      '{{.Config.Image}} {{json .NetworkSettings.Ports}} {{index .Config.Labels "kind-torch.load-balancer"}}';
    const balancers = await list(`label=io.x-k8s.cloud-provider-kind.cluster=${NEW}`);
    assert.equal(balancers.length, 3, String(balancers));
    for (const line of linesOf(await sh("docker", ["inspect", `--format=${format}`, ...balancers]))) {
      const [image, ports, label] = line.split(" ");
      assert.equal(image, read.cloudProvider?.proxy);
      assert.doesNotMatch(ports ?? "", /HostPort/);
      assert.match(label ?? "", new RegExp(`^${NEW}-[0-9a-f]{8}$`));
    }
  });

  it("of one cluster leave the other's alone: neither served, nor removed with it", async () => {
    const words = await sh("sh", ["-c", `docker logs ${OLD}-cloud-provider 2>&1`]);
    assert.ok(words.includes(`cluster="${OLD}"`) && !words.includes(NEW), "the other cluster was seen");
    const ask = ["ps", "--filter", "label=io.x-k8s.kind.cluster", "--format", "{{.Names}}"];
    const inside = ["exec", "--env=KIND_TORCH_DOCKER=docker", `${OLD}-cloud-provider`];
    // Docker's client by itself shows both.
    assert.match(await sh("docker", [...inside, "docker", ...ask]), new RegExp(`${NEW}-worker`));
    assert.equal(await sh("docker", [...inside, "/kind-torch/docker", ...ask]), `${OLD}-control-plane`);
    await sh("docker", ["rm", "--force", `${NEW}-cloud-provider`]);
    await apply(newest, newResult, "unserved", SERVICE("unserved"));
    const before = await list(`label=io.x-k8s.cloud-provider-kind.cluster=${NEW}`);
    // A provider that ends removes what it takes for its own.
    await sh("docker", ["stop", "--time=60", `${OLD}-cloud-provider`]);
    assert.deepEqual(await balancersOf(OLD), [`${OLD}-cloud-provider`]);
    const { exitCode, log } = await old.post();
    assert.equal(exitCode, 0);
    assert.ok(log.some((line) => line.includes("Removed 1 container(s) of load balancers")));
    assert.deepEqual(await balancersOf(OLD), []);
    assert.deepEqual(await list(`label=io.x-k8s.cloud-provider-kind.cluster=${NEW}`), before);
    await answers(newAddress);
    assert.equal(await kubectl(newResult, "get", "service/unserved", ADDRESS), "");
  });

  it("leave nothing after the job, and a provider that is gone is named", async () => {
    const { exitCode, log } = await newest.post({ inputs: { "job-status": "failure" } });
    assert.equal(exitCode, 0);
    assert.ok(
      log.some((line) => line.includes(`(${NEW}-cloud-provider) was removed by something else`)),
      log.join("\n"),
    );
    assert.deepEqual(await balancersOf(NEW), []);
  });

  it("are removed by post when main was killed as they start", async () => {
    try {
      assert.equal((await killing).signal, "SIGKILL");
      assert.notDeepEqual(await balancersOf(KILLED), []);
      await killed.post();
      assert.deepEqual(await balancersOf(KILLED), []);
      assert.deepEqual(await list(`label=io.x-k8s.kind.cluster=${KILLED}`), []);
    } finally {
      await killed.post();
      await killed.dispose();
    }
  });

  it("fail before there is a cluster if an image of theirs cannot be pulled", async () => {
    await Promise.all([refuse("image"), refuse("proxy")]);
  });

  it("fail with the provider's own words if it ends", async () => {
    const exec = createExec("tests");
    await createKindNetwork(exec);
    // It has a shell, but neither Docker's client nor the provider.
    const images = { image: machine.probeImage, proxy: machine.probeImage };
    const plan = planLoadBalancer("e2e-balancer-ended", { runId: "0a1b2c3d", images });
    const where = { site: { kind: "this-machine" }, gateways: true } as const;
    const start = startProvider(plan, where, exec, AbortSignal.timeout(60_000));
    try {
      await assert.rejects(start, (error: Error) => {
        assert.match(error.message, /e2e-balancer-ended-cloud-provider\) ended with code 127/);
        assert.match(error.message, /Its last words:\n.*docker: not found/);
        return true;
      });
      // As at the end of a step.
      await assert.rejects(checkProvider(plan.container.name, exec), /ended with code 127[\s\S]*docker: not found/);
    } finally {
      await removeLoadBalancers(plan, false, exec);
    }
  });
});
