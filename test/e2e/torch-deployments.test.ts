import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { createKubectl } from "../../src/cluster/kubectl.ts";
import { describeError } from "../../src/errors.ts";
import { createExec } from "../../src/exec.ts";
import { startTimeline } from "../../src/timeline.ts";
import { openEngine } from "../../src/torch/clients/engine.ts";
import { createTemplate } from "../../src/torch/template/create.ts";
import { readCsar } from "../../src/torch/template/csar.ts";
import { deployTemplate } from "../../src/torch/template/deployment.ts";
import { type ClusterAccess, placeNodes } from "../../src/torch/template/point-at-cluster.ts";
import type { DeploymentRequest, DeploymentTools } from "../../src/torch/template/request.ts";
import { type ActionRun, dockerLeftovers, eventually, prepareMachine, prepareRun, sh } from "./harness.ts";
import { CSAR, FIXTURE, placeTorch, removeTorch, torchLeftovers } from "./torch.ts";

const CLUSTER = "e2e-deployments";
const WAITING_PLANS = join(FIXTURE, "model/bpmn_plans_waiting.zip");

/** What a deployment logged, and how it ended. */
interface Outcome {
  readonly lines: readonly string[];
  /** `undefined`: every node started, every Deployment available. */
  readonly error: string | undefined;
  readonly seconds: number;
}

/**
 * One TORCH-V2, and one deployment after the other through it: each ends by itself, with the cause in its component's own
 * words, long before its time limit.
 */
describe("a deployment through TORCH-V2", () => {
  let run: ActionRun;
  let outputs: Readonly<Record<string, string>>;
  let runDirectory: string;
  let probeImage: string;
  const output = (name: string) => outputs[name] ?? assert.fail(`no output ${name}`);
  const container = (component: string) => `${CLUSTER}-${component}`;
  const kubectl = (...args: readonly string[]) =>
    sh(output("kubectl-path"), [`--kubeconfig=${output("kubeconfig")}`, ...args]);

  before(async () => {
    const machine = await prepareMachine();
    ({ probeImage } = machine);
    run = await prepareRun(machine, { "cluster-name": CLUSTER, workers: "0", torch: "torch_v2", cleanup: "false" });
    const torch = join(run.folders.workspace, "torch_v2");
    await placeTorch(torch);
    const result = await run.main();
    assert.equal(result.exitCode, 0, result.log.join("\n").replaceAll("%0A", "\n"));
    ({ outputs } = result);
    runDirectory = result.state["run-directory"] ?? assert.fail("no run folder");
  });
  after(async () => {
    await removeTorch(CLUSTER);
    for (const name of await dockerLeftovers(CLUSTER)) await sh("docker", ["rm", "--force", "--volumes", name]);
    assert.deepEqual(await torchLeftovers(CLUSTER), []);
    await run.dispose();
  });

  const template = async (name: string, edit: (yaml: string) => string, kind: "zip" | "yaml" = "zip") => {
    const files = unzipSync(await readFile(join(FIXTURE, CSAR)));
    const entry = Object.keys(files).find((file) => /\.ya?ml$/.test(file)) ?? "";
    const yaml = strToU8(edit(strFromU8(files[entry] ?? new Uint8Array())));
    const read =
      kind === "yaml"
        ? readCsar(`/t/${name}.yaml`, yaml)
        : readCsar(`/t/${name}.zip`, zipSync({ ...files, [entry]: yaml }));
    assert.ok("csar" in read, JSON.stringify(read));
    return read.csar;
  };

  /** Deploys a template as the step does, except for what a test changes. */
  async function deploy(
    csar: DeploymentRequest["csar"],
    changes: Partial<DeploymentRequest> = {},
    beside?: (lines: readonly string[], stop: () => void) => Promise<void>,
  ): Promise<Outcome> {
    const lines: string[] = [];
    const say = (line: string) => {
      lines.push(line);
    };
    const controller = new AbortController();
    const { signal } = controller;
    const execute = createExec(runDirectory);
    const tools: DeploymentTools = {
      exec: execute,
      log: { info: say, plain: say, warning: say, debug: () => undefined, startGroup: say, endGroup: () => undefined },
      timeline: startTimeline(),
      signal,
      clusters: [
        {
          name: CLUSTER,
          kubectl: createKubectl({
            kubectl: output("kubectl-path"),
            kubeconfig: output("kubeconfig"),
            runDirectory,
            exec: execute,
          }),
        },
      ],
    };
    const request: DeploymentRequest = {
      csar,
      placed: placeNodes(csar, [CLUSTER]),
      access: accessTo({ endpoint: output("endpoint") }),
      urls: { dashboard: output("torch-dashboard-url"), engine: output("torch-engine-url") },
      addresses: { engine: `http://${container("engine")}:8080`, broker: `http://${container("services")}:9000` },
      containers: { dashboard: container("dashboard"), engine: container("engine"), services: container("services") },
      runDirectory,
      waitSeconds: 300,
      ...changes,
    };
    const begin = performance.now();
    const work = (async () => {
      await deployTemplate(await createTemplate(request, tools), request, tools);
    })();
    const [error] = await Promise.all([
      work.then(
        () => undefined,
        (thrown: unknown) => describeError(thrown),
      ),
      beside?.(lines, () => controller.abort()),
    ]);
    return { lines, error, seconds: (performance.now() - begin) / 1000 };
  }
  const fails = async (outcome: Promise<Outcome>, ...words: readonly RegExp[]) => {
    const { error, seconds, lines } = await outcome;
    assert.ok(error !== undefined, "it was to fail");
    for (const each of words) assert.match(error, each);
    assert.ok(seconds < 200, `it waited ${seconds} s of its 300`);
    return { error, lines };
  };
  const same = (yaml: string) => yaml;

  it("of a plain TOSCA YAML: every node started, every Deployment available", async () => {
    const { error, lines } = await deploy(await template("plain", same, "yaml"));
    assert.equal(error, undefined);
    for (const node of ["bologna", "simple-server", "georef"]) assert.ok(lines.includes(`${node}: STARTED`), node);
  });

  it("into a namespace that exists: the connector's words, from its own log file", async () => {
    await kubectl("create", "namespace", "taken");
    await fails(
      deploy(await template("taken", same)),
      /bologna/,
      /namespace exists already/,
      /\[instantiate-k8s-cluster-manual-logs\.txt\] .*already exists/,
    );
  });

  describe("with wrong credentials, in the client library's words", () => {
    /** Copies a folder with one wrong file into the service layer. */
    const placeFiles = async (wrong: "torch.key" | "ca.crt") => {
      const folder = join(run.folders.workspace, `own-${wrong}`);
      await cp(output("credentials-directory"), folder, { recursive: true });
      const [key, certificate] = wrong === "torch.key" ? [wrong, "unused.crt"] : ["unused.key", wrong];
      // Every cluster's CA has this name.
      await sh("openssl", [
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=kubernetes", "-days", "2"],
        ...["-keyout", join(folder, key), "-out", join(folder, certificate)],
      ]);
      await sh("docker", ["cp", folder, `${container("services")}:/usr/app/own-${wrong}`]);
      return accessTo({ endpoint: output("endpoint"), folder: `/usr/app/own-${wrong}` });
    };

    it("a private key that does not belong to the certificate", async () => {
      const access = await placeFiles("torch.key");
      await fails(
        deploy(await template("wrong-key", same), { access }),
        /The process of the node bologna of .* ended \(ERROR_EVENT/,
        /key .* does not belong to its certificate/,
        /manual-logs\.txt\] .*decrypt_error/,
      );
    });

    it("a CA that is not the cluster's", async () => {
      const access = await placeFiles("ca.crt");
      await fails(
        deploy(await template("wrong-ca", same), { access }),
        /the ca\.crt that it read is not this cluster's CA/,
        /manual-logs\.txt\] .*does not chain/,
      );
    });

    it("an endpoint that is not in the API server's names", async () => {
      const access = accessTo({ endpoint: `https://${container("control-plane")}.kind:6443` });
      await fails(
        deploy(await template("wrong-name", same), { access }),
        /not in the API server's certificate/,
        /manual-logs\.txt\] .*not verified/,
      );
    });
  });

  it("whose node the dashboard leaves out: named", async () => {
    const csar = await template("leftout", (yaml) =>
      yaml.replace(/^( +)bologna:\n/m, "$1extra:\n$1  type: tosca.nodes.Root\n$&"),
    );
    await fails(deploy(csar), /graph of the template lacks extra/);
  });

  it("that the parser refuses: its message, without the whole template in it", async () => {
    const csar = await template("undefined-type", (yaml) =>
      yaml.replace(/^( +)georef:\n +type: .*$/m, "$1georef:\n$1  type: torch.nodes.Nowhere"),
    );
    const { error } = await fails(deploy(csar), /does not validate/, /torch\.nodes\.Nowhere/);
    assert.ok(error.length < 8000, `${error.length} characters`);
  });

  it("with an image that does not exist: the pod's own event, while it waits", async () => {
    const csar = await template("no-image", (yaml) => yaml.replaceAll(/pause:3\.10/g, "not-there:1"));
    const { lines } = await fails(deploy(csar), /The pod \S+ does not start: .*[Ff]ailed to pull/, /not-there/);
    assert.ok(lines.some((line) => /does not start/.test(line)));
  });

  it("whose pods do not fit: the scheduler's words", async () => {
    await kubectl("cordon", container("control-plane"));
    try {
      await fails(deploy(await template("no-room", same)), /The pod \S+ does not start: .*unschedulable/);
    } finally {
      await kubectl("uncordon", container("control-plane"));
    }
  });

  it("whose container keeps exiting: the kubelet's words while it waits, and never a success", async () => {
    const image = "test/crash:1";
    const recipe = `FROM ${probeImage}\nENTRYPOINT []\nCMD ["sh", "-c", "exit 3"]\n`;
    const node = container("control-plane");
    await sh("sh", ["-c", 'printf "$1" | docker build --quiet --tag "$2" -', "sh", recipe, image]);
    await sh("sh", ["-c", `docker save ${image} | docker exec -i ${node} ctr --namespace=k8s.io images import -`]);
    await sh("docker", ["image", "rm", image]);
    const csar = await template("crash", (yaml) => yaml.replaceAll(/registry\.k8s\.io\/pause:3\.10/g, image));
    const warned = (lines: readonly string[]) => lines.some((line) => /does not start: .*ended \d+ times/.test(line));
    const { error } = await deploy(csar, {}, async (lines, stop) => {
      // The limit of the whole deployment, since a busy machine launches it late; it is reported long before.
      await eventually("it is said", async () => warned(lines), 200).finally(stop);
    });
    assert.ok(error !== undefined, "it was to be stopped");
  });

  describe("with plans that do not wait", () => {
    it("and a broker that refuses: the node's process ended, with its reason", async () => {
      const csar = await template("refused", same);
      const changes = { access: accessTo({ endpoint: output("endpoint"), privateKey: "not-there.key" }) };
      await fails(deploy(csar, changes), /ERROR_EVENT DUCreateError/, /instantiate-k8s-cluster-manual-logs/);
    });

    it("and no broker: the dashboard's 500, with the cause", async () => {
      const csar = await template("absent", same);
      const addresses = {
        engine: `http://${container("engine")}:8080`,
        broker: `http://${container("services")}:9999`,
      };
      await fails(deploy(csar, { addresses }), /status 500/, /IO exception|Connection refused/);
    });

    it("and no engine: the dashboard's form again, and what it says", async () => {
      const csar = await template("no-engine", same);
      const addresses = {
        engine: `http://${container("engine")}:9999`,
        broker: `http://${container("services")}:9000`,
      };
      await fails(deploy(csar, { addresses }), /does not launch/, /impossible to deploy/);
    });

    it("and a broker that stops answering after a wait: the dead job below the node", async () => {
      const csar = await template("silent", same);
      try {
        await fails(
          deploy(csar, {}, async (lines) => {
            // At once: the application is started some seconds later.
            await eventually("the cluster is started", async () => lines.includes("bologna: STARTED"), 60, 10);
            await sh("docker", ["pause", container("services")]);
          }),
          /stopped in the engine: .*(?:timed out|IO exception)/,
        );
      } finally {
        await sh("docker", ["unpause", container("services")]);
      }
    });
  });

  describe("with plans that wait", () => {
    before(async () => {
      const engine = openEngine(output("torch-engine-url"), AbortSignal.timeout(60_000));
      await engine.deployPlans(WAITING_PLANS, await readFile(WAITING_PLANS));
    });

    it("succeeds as well", async () => {
      const { error } = await deploy(await template("waiting", same));
      assert.equal(error, undefined);
    });

    it("and a broker that refuses: the node's own reason", async () => {
      const changes = { access: accessTo({ endpoint: output("endpoint"), privateKey: "not-there.key" }) };
      await fails(deploy(await template("waiting-refused", same), changes), /The node bologna .* is in ERROR: /);
    });

    it("and no broker: the dead job's cause", async () => {
      const addresses = {
        engine: `http://${container("engine")}:8080`,
        broker: `http://${container("services")}:9999`,
      };
      await fails(deploy(await template("waiting-absent", same), { addresses }), /stopped in the engine: .*refused/i);
    });
  });

  it("without the plans in the engine: the dashboard's 500 and its exception", async () => {
    const base = `${output("torch-engine-url")}/flowable-rest/service/repository/deployments`;
    const headers = { authorization: `Basic ${Buffer.from("rest-admin:test").toString("base64")}` };
    const { data }: { data: { id: string }[] } = Object(await (await fetch(`${base}?size=100`, { headers })).json());
    for (const { id } of data) {
      // What still runs of earlier deployments changes what is being deleted.
      await eventually(`the engine deletes ${id}`, async () => {
        const { status } = await fetch(`${base}/${id}?cascade=true`, { method: "DELETE", headers });
        return status === 204 || status === 404;
      });
    }
    await fails(deploy(await template("no-plans", same)), /status 500/, /Undefined property: stdClass::\$id/);
  });
});

const ACCESS = {
  endpoint: "",
  ca: "ca.crt",
  certificate: "torch-signed.crt",
  privateKey: "torch.key",
  folder: "/usr/app/service-binding/instantiate-k8s-cluster-manual/src/main/resources",
};
/** The access to the cluster, except for what a test changes. */
const accessTo = (changes: Partial<ClusterAccess>) => new Map([[CLUSTER, { ...ACCESS, ...changes }]]);
