import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { type ActionRun, dockerLeftovers, type Machine, prepareMachine, prepareRun, sh } from "./harness.ts";
import { SEARCH_DOMAIN, withSearchDomain } from "./host.ts";
import { kindGateway, serveDns } from "./resolver.ts";

/** Stands for the internet: a name that only the test's resolver knows, and an address that a container has. */
const INTERNET_NAME = "internet.test";
const INTERNET_PORT = "8080";
const INTERNET_NETWORK = "kind-torch-test-internet";
const INTERNET = "kind-torch-test-internet";

/**
 * The rules name the network's device. Rules that name an address would outlive a test that is killed, and then hit the
 * container that Docker gives the address to next.
 */
const INTERNET_DEVICE = "kt-internet";
const INTO_INTERNET = ["--out-interface", INTERNET_DEVICE, "--jump", "ACCEPT"];
const OUT_OF_INTERNET = ["--in-interface", INTERNET_DEVICE, "--jump", "ACCEPT"];
const BLOCKED = ["--out-interface", INTERNET_DEVICE, "--jump", "DROP"];

/** Two runs at once, each as different from the default as possible: what the shared cluster does not show. */
describe("two runs at the same time", { skip: WITHOUT_ROOT }, () => {
  let machine: Machine;
  let resolver: { close(): Promise<void> };
  let internet: string;
  let open: ActionRun;
  let closed: ActionRun;
  let openResult: Awaited<ReturnType<ActionRun["main"]>>;
  let closedResult: Awaited<ReturnType<ActionRun["main"]>>;

  before(async () => {
    machine = await prepareMachine();
    await removeInternet();
    internet = await startInternet(machine.probeImage);
    const gateway = await kindGateway();
    resolver = await serveDns(gateway, {
      [INTERNET_NAME]: internet,
      "only.test": "192.0.2.10",
      [`.${SEARCH_DOMAIN}`]: "203.0.113.99",
    });
    const probe = `${INTERNET_NAME} ${internet}:${INTERNET_PORT}`;
    open = await prepareRun(machine, {
      "cluster-name": "e2e-open",
      workers: "0",
      dns: "docker-host",
      rbac: "cluster-admin",
      "kubectl-version": "1.27",
      "key-algorithm": "ecdsa-p256",
      "internet-probe": probe,
      user: "torch-admin",
      "credentials-directory": "made/by/the/run",
    });
    closed = await prepareRun(machine, {
      "kind-config": JSON.stringify({
        kind: "Cluster",
        apiVersion: "kind.x-k8s.io/v1alpha4",
        name: "e2e-closed",
        nodes: [{ role: "control-plane", labels: { "of-the-user": "kept" } }],
        networking: { podSubnet: "10.99.0.0/16" },
        kubeadmConfigPatches: [
          'kind: ClusterConfiguration\napiServer:\n  certSANs: ["of-the-users-patch.test"]\n  extraArgs: { v: "1" }\n',
        ],
      }),
      dns: "inherit",
      rbac: "none",
      "kubectl-version": "1.29",
      "extra-sans": "of-the-input.test",
      "internet-probe": probe,
    });
    [openResult, closedResult] = await withSearchDomain(gateway, "e2e-closed-control-plane", () =>
      Promise.all([open.main(), closed.main()]),
    );
  });
  after(async () => {
    await Promise.all([open.post(), closed.post()]);
    await Promise.all([open.dispose(), closed.dispose()]);
    await resolver.close();
    await removeInternet();
  });

  const value = (result: typeof openResult, name: string) => result.outputs[name] ?? assert.fail(`no output ${name}`);
  const kubectl = (result: typeof openResult, ...args: readonly string[]) =>
    sh(value(result, "kubectl-path"), ["--kubeconfig", value(result, "kubeconfig"), ...args]);
  const may = async (result: typeof openResult, ...words: readonly string[]) =>
    (
      await sh(value(result, "kubectl-path"), [
        "--kubeconfig",
        value(result, "user-kubeconfig"),
        "auth",
        "can-i",
        ...words,
      ]).catch((error: Error) => error.message)
    ).includes("yes");

  it("both succeed", () => {
    for (const result of [openResult, closedResult]) assert.equal(result.exitCode, 0, result.log.join("\n"));
  });

  it("use kubectl of the minor before and after the cluster's, and each talks to it", async () => {
    for (const [result, minor] of [
      [openResult, "27"],
      [closedResult, "29"],
    ] as const) {
      const versions: {
        readonly clientVersion: { readonly minor: string };
        readonly serverVersion: { readonly minor: string };
      } = JSON.parse(await kubectl(result, "version", "--output=json"));
      assert.equal(versions.clientVersion.minor.replace("+", ""), minor);
      assert.equal(versions.serverVersion.minor.replace("+", ""), "28");
    }
  });

  it("give the user all rights with rbac: cluster-admin", async () => {
    assert.equal(await may(openResult, "get", "secrets", "--namespace=kube-system"), true);
    assert.equal(await may(openResult, "create", "clusterroles"), true);
  });

  it("give the user none with rbac: none", async () => {
    for (const resource of ["deployments.apps", "services", "pods", "namespaces"]) {
      assert.equal(await may(closedResult, "create", resource, "--all-namespaces"), false, resource);
    }
  });

  it("create a key of the requested algorithm, in the requested directory, under the requested name", async () => {
    assert.equal(value(openResult, "client-key-path"), `${open.folders.workspace}/made/by/the/run/torch-admin.key`);
    const certificate = new X509Certificate(await readFile(value(openResult, "client-certificate-path")));
    assert.equal(certificate.publicKey.asymmetricKeyType, "ec");
    assert.equal(certificate.subject, "CN=torch-admin");
  });

  it("respect the user's kind configuration: name, labels, subnet, arguments", async () => {
    assert.equal(value(closedResult, "cluster-name"), "e2e-closed");
    const node = await kubectl(
      closedResult,
      "get",
      "node",
      "--output=jsonpath={.items[0].metadata.labels} {.items[0].spec.podCIDR}",
    );
    assert.match(node, /"of-the-user":"kept".* 10\.99\.0\.0\/24/);
  });

  it("put kind's own names, the user's patch's and extra-sans into the certificate", async () => {
    const { port } = new URL(value(closedResult, "endpoint-external"));
    const shown = await sh("sh", [
      "-c",
      'echo | openssl s_client -connect 127.0.0.1:"$1" 2>/dev/null | openssl x509 -noout -ext subjectAltName',
      "names",
      port,
    ]);
    for (const name of ["localhost", "127.0.0.1", "of-the-users-patch.test", "of-the-input.test"])
      assert.ok(shown.includes(name), `${name} in ${shown}`);
  });

  it("resolve names that only the host's resolver knows, with dns: docker-host", async () => {
    assert.match(await resolveInPod(openResult, INTERNET_NAME), new RegExp(`^${internet}`));
  });

  it("keep the host's search domains, which break lookups, with dns: inherit", async () => {
    assert.match(await resolveInPod(closedResult, "only.test"), /^203\.0\.113\.99/);
  });

  it("do not mention the internet while pods reach it, and collect logs when a later step fails", async () => {
    const result = await closed.post({ inputs: { "job-status": "failure" } });
    assert.equal(result.exitCode, 0);
    const log = result.log.join("\n");
    const folder = /logs are in (\S+)/.exec(log)?.[1] ?? assert.fail(log);
    assert.ok((await stat(`${folder}/e2e-closed-control-plane/kubelet.log`)).size > 0);
    assert.match(log, new RegExp(`Pods reach ${internet} and resolve ${INTERNET_NAME}`));
    assert.doesNotMatch(log, /firewall|name resolution/);
    assert.deepEqual(await dockerLeftovers("e2e-closed"), []);
    assert.notDeepEqual(await dockerLeftovers("e2e-open"), []);
  });

  it("name the firewall when it blocks pods, not name resolution", async () => {
    await firewall("--insert", BLOCKED);
    try {
      const result = await open.post({ inputs: { "job-status": "failure" } });
      assert.match(result.log.join("\n"), /a firewall is in the way, not name resolution/);
    } finally {
      await firewall("--delete", BLOCKED);
    }
  });

  it("leave nothing behind, not even a folder created for the credentials", async () => {
    assert.deepEqual(await dockerLeftovers("e2e-open"), []);
    await assert.rejects(stat(`${open.folders.workspace}/made`), { code: "ENOENT" });
    await assert.rejects(stat(value(openResult, "kubeconfig")), { code: "ENOENT" });
  });

  it("do no harm when post runs again", async () => {
    const result = await open.post();
    assert.equal(result.exitCode, 0);
    assert.doesNotMatch(result.log.join("\n"), /::warning|::error|logs are in/);
  });

  async function resolveInPod(result: typeof openResult, name: string): Promise<string> {
    await sh(value(result, "kind-path"), [
      "load",
      "docker-image",
      machine.probeImage,
      "--name",
      value(result, "cluster-name"),
    ]);
    const overrides = JSON.stringify({ spec: { tolerations: [{ operator: "Exists" }] } });
    await kubectl(
      result,
      ...["run", "asker", `--image=${machine.probeImage}`, "--image-pull-policy=IfNotPresent", "--restart=Never"],
      ...[`--overrides=${overrides}`, "--command", "--", "sleep", "3600"],
    );
    await kubectl(result, "wait", "--for=condition=Ready", "pod/asker", "--timeout=90s");
    return await kubectl(result, "exec", "asker", "--", "dig", "+short", "+search", name);
  }

  /** A container on a network of its own; Docker isolates its networks, so the test opens the way to it. */
  async function startInternet(image: string): Promise<string> {
    const device = `--opt=com.docker.network.bridge.name=${INTERNET_DEVICE}`;
    await sh("docker", ["network", "create", device, INTERNET_NETWORK]);
    await sh("docker", [
      "run",
      "--detach",
      `--name=${INTERNET}`,
      `--network=${INTERNET_NETWORK}`,
      image,
      "netexec",
      `--http-port=${INTERNET_PORT}`,
    ]);
    await firewall("--insert", INTO_INTERNET);
    await firewall("--insert", OUT_OF_INTERNET);
    return await sh("docker", [
      "inspect",
      "--format",
      "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
      INTERNET,
    ]);
  }

  function firewall(action: "--insert" | "--delete", rule: readonly string[]): Promise<string> {
    return sh(...asRoot("iptables", ["--wait", action, "DOCKER-USER", ...rule]));
  }

  async function removeInternet(): Promise<void> {
    for (const rule of [INTO_INTERNET, OUT_OF_INTERNET, BLOCKED]) {
      await firewall("--delete", rule).catch(() => undefined);
    }
    await sh("docker", ["rm", "--force", INTERNET]).catch(() => undefined);
    await sh("docker", ["network", "rm", INTERNET_NETWORK]).catch(() => undefined);
  }
});
