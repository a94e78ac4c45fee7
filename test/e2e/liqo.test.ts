import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { overlaps, parseSubnet } from "../../src/values/subnets.ts";
import { kindConfig, newestMinor } from "../../testbed/releases.ts";
import { type ActionRun, dockerLeftovers, failing, type Machine, machineOf, prepareRun, sh } from "./harness.ts";

const NAMES = ["e2e-liqo-bologna", "e2e-liqo-catania", "e2e-liqo-newest"] as const;
/** A container that is a control plane of a cluster for everyone who looks at names and labels. */
const TWIN = "e2e-liqo-twin";

type Result = Awaited<ReturnType<ActionRun["main"]>>;

const output = (result: Result | undefined, name: string) => result?.outputs[name] ?? assert.fail(`no output ${name}`);
const kubectl = (result: Result | undefined, ...args: readonly string[]) =>
  sh(output(result, "kubectl-path"), ["--kubeconfig", output(result, "kubeconfig"), ...args]);
const subnetsOf = (result: Result | undefined) =>
  ["pod-subnet", "service-subnet"].map((name) => {
    const text = output(result, name);
    return parseSubnet(text) ?? assert.fail(text);
  });

/** Clusters that are prepared for being peered with Liqo, whose own programs are not needed for what it asks of them. */
describe("three clusters for Liqo", () => {
  let machine: Machine;
  const runs: ActionRun[] = [];
  const results: Result[] = [];

  const prepare = async (on: Machine, name: string, inputs: Readonly<Record<string, string>> = {}) => {
    const run = await prepareRun(on, { "cluster-name": name, workers: "0", liqo: "true", ...inputs });
    runs.push(run);
    return run;
  };

  before(async () => {
    await sh("docker", ["rm", "--force", `${TWIN}-control-plane`]);
    machine = machineOf(await raiseBedFor("1.28", console.error));
    const newest = machineOf(await raiseBedFor(newestMinor(), console.error));
    const images = { "load-images": machine.probeImage };
    const [first, second, third] = [
      await prepare(machine, NAMES[0], images),
      await prepare(machine, NAMES[1], images),
      await prepare(newest, NAMES[2], {
        "kubernetes-version": newestMinor(),
        "kind-config": kindConfig(newestMinor()),
      }),
    ];
    // Two at the same time, and one that finds them.
    results.push(...(await Promise.all([first.main(), second.main()])), await third.main());
  });
  after(async () => {
    await sh("docker", ["rm", "--force", `${TWIN}-control-plane`]);
    await Promise.all(runs.map((run) => run.post()));
    await Promise.all(runs.map((run) => run.dispose()));
    for (const name of [...NAMES, TWIN, "e2e-liqo-late"]) assert.deepEqual(await dockerLeftovers(name), []);
  });

  it("have pod and service subnets of which no two have an address in common", async () => {
    for (const result of results) assert.equal(result.exitCode, 0, result.log.join("\n"));
    const all = results.flatMap(subnetsOf);
    for (const [index, one] of all.entries()) {
      for (const other of all.slice(index + 1)) assert.equal(overlaps(one, other), false, JSON.stringify(all));
    }
  });

  it("have them in the controller manager, which liqoctl reads, and for every pod and Service", async () => {
    for (const [index, result] of results.entries()) {
      const manager = JSON.parse(
        await kubectl(
          result,
          "get",
          "pod",
          "--namespace=kube-system",
          "-lcomponent=kube-controller-manager,tier=control-plane",
          "-ojson",
        ),
      );
      assert.equal(manager.items.length, 1);
      const command: readonly string[] = manager.items[0].spec.containers[0].command;
      assert.ok(command.includes(`--cluster-cidr=${output(result, "pod-subnet")}`), command.join(" "));
      assert.ok(command.includes(`--service-cluster-ip-range=${output(result, "service-subnet")}`), command.join(" "));
      const [pods, services] = subnetsOf(result);
      const addresses = async (kind: string, path: string, selector: readonly string[]) =>
        (await kubectl(result, "get", kind, "--all-namespaces", ...selector, `-ojsonpath={.items[*]${path}}`))
          .split(/\s+/)
          .filter((address) => address !== "" && address !== "None")
          .map((address) => parseSubnet(`${address}/32`) ?? assert.fail(address));
      const node = await kubectl(result, "get", "node", "-ojsonpath={.items[0].status.addresses[0].address}");
      const ofPods = (await addresses("pod", ".status.podIP", [])).filter(({ address }) => address !== node);
      const ofServices = await addresses("service", ".spec.clusterIP", []);
      assert.ok(ofPods.length > 0 && ofServices.length > 1, NAMES[index]);
      for (const each of ofPods) assert.ok(pods !== undefined && overlaps(pods, each), each.address);
      for (const each of ofServices) assert.ok(services !== undefined && overlaps(services, each), each.address);
    }
  });

  it("say in the summary what peering needs to know", () => {
    for (const [index, { summary, outputs }] of results.entries()) {
      assert.ok(
        summary.includes(
          `prepared: cluster id ${NAMES[index]}, pods ${outputs["pod-subnet"]}, Services ${outputs["service-subnet"]}`,
        ),
        summary,
      );
    }
  });

  it("reach each other's API server from pods and nodes, by name and by address, with TLS verified", async () => {
    const address = (name: string) =>
      sh("docker", ["inspect", "--format={{.NetworkSettings.Networks.kind.IPAddress}}", `${name}-control-plane`]);
    const [bologna, catania, newest] = results;
    const pairs = [
      [bologna, catania],
      [catania, bologna],
      [bologna, newest],
    ] as const;
    const ask = async ([from, to]: (typeof pairs)[number]) => {
      const ca = await readFile(output(to, "ca-certificate-path"), "utf8");
      const urls = [output(to, "endpoint"), `https://${await address(output(to, "cluster-name"))}:6443`];
      const pod = `to-${output(to, "cluster-name")}`;
      const asks = urls.map((url) => `curl --silent --show-error --max-time 20 --cacert /tmp/${pod} ${url}/version`);
      const script = `printf '%s' '${ca}' > /tmp/${pod}; ${asks.join(" && ")}`;
      const node = `${output(from, "cluster-name")}-control-plane`;
      const image = [`--image=${machine.probeImage}`, "--image-pull-policy=Never", "--restart=Never"];
      await kubectl(from, "run", pod, ...image, "--command", "--", "sh", "-c", script);
      const inNode = await sh("docker", ["exec", node, "sh", "-c", script]);
      await kubectl(from, "wait", "--for=jsonpath={.status.phase}=Succeeded", `pod/${pod}`, "--timeout=60s");
      const answers = [inNode, await kubectl(from, "logs", pod)];
      const version = new RegExp(`"gitVersion": "v${output(to, "kubernetes-version")}"`, "g");
      for (const answer of answers) assert.equal(answer.match(version)?.length, 2, answer);
    };
    await Promise.all(pairs.map(ask));
    // Another cluster's CA is none for it.
    const other = await readFile(output(bologna, "ca-certificate-path"), "utf8");
    const refused = `printf '%s' '${other}' > /tmp/ca.crt; curl --silent --show-error --cacert /tmp/ca.crt ${output(catania, "endpoint")}/version`;
    assert.match(await failing("docker", ["exec", `${NAMES[0]}-control-plane`, "sh", "-c", refused]), /certificate/);
  });

  it("are refused subnets of the kind configuration that another cluster has, with both named", async () => {
    const taken = output(results[0], "pod-subnet");
    const run = await prepare(machine, "", {
      "kind-config": `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: e2e-liqo-late\nnetworking:\n  podSubnet: ${taken}\n`,
    });
    const { exitCode, log } = await run.main();
    assert.equal(exitCode, 1);
    const words = log.join("\n");
    assert.match(
      words,
      /line 5, column \d+: networking\.podSubnet: 10\.\d+\.0\.0\/17 and the pods of the cluster e2e-liqo-bologna/,
    );
    assert.deepEqual(await dockerLeftovers("e2e-liqo-late"), []);
  });

  it("are refused a name that cannot be a cluster id", async () => {
    const run = await prepare(machine, "e2e-liqo-late.example");
    const { exitCode, log } = await run.main();
    assert.equal(exitCode, 1);
    assert.match(log.join("\n"), /cluster-name and liqo: .*e2e-liqo-late\.example.*DNS label/s);
  });

  it("fail, with both named, where another cluster got the same subnets at the same time", async () => {
    const name = `${TWIN}-control-plane`;
    const labels = [`--label=io.x-k8s.kind.cluster=${TWIN}`];
    await sh("docker", ["create", `--name=${name}`, ...labels, machine.probeImage]);
    const run = await prepare(machine, "e2e-liqo-late");
    const folder = join(run.folders.temp, "kind");
    await mkdir(folder);
    let written: Promise<unknown> | undefined;
    const result = await run.main({
      onLine: (line) => {
        // By now it has decided.
        const subnet = /pods (10\.\d+\.0\.0\/17)/.exec(line)?.[1];
        if (subnet === undefined || written !== undefined) return;
        written = writeFile(join(folder, "kubeadm.conf"), `networking:\n  podSubnet: ${subnet}\n`).then(() =>
          sh("docker", ["cp", folder, `${name}:/`]),
        );
      },
    });
    await written;
    assert.equal(result.exitCode, 1, result.log.join("\n"));
    assert.match(
      result.log.join("\n"),
      /the pods of the cluster e2e-liqo-twin .*e2e-liqo-late, which was created at the same time/,
    );
    await run.post();
    assert.deepEqual(await dockerLeftovers("e2e-liqo-late"), []);
  });
});
