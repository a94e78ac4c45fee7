import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readLimits } from "../../src/host/inotify.ts";
import { WITHOUT_ROOT } from "../privileges.ts";
import {
  dockerLeftovers,
  eventually,
  failing,
  type Machine,
  prepareMachine,
  prepareRun,
  processesNaming,
  sh,
  volumes,
  volumesOf,
} from "./harness.ts";
import { SEARCH_DOMAIN, withSearchDomain } from "./host.ts";
import { kindGateway, serveDns } from "./resolver.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The name by which a container on another network reaches the Docker host: the guide's second way. */
const DOCKER_HOST_NAME = "docker-host.test";
const MANIFESTS = `
apiVersion: v1
kind: ConfigMap
metadata: { name: granted-by-manifest, namespace: default }
`;

/** One cluster for everything that does not need one of its own: created by `npm start`, removed by `npm stop`. */
describe("the guide's cluster, by npm start", { skip: WITHOUT_ROOT }, () => {
  let machine: Machine;
  let outputs: Readonly<Record<string, string>>;
  let resolver: { close(): Promise<void> };
  let scratch: string;
  const output = (name: string) => outputs[name] ?? assert.fail(`no output ${name}`);
  const npm = (...args: readonly string[]) => sh("npm", args, 900);
  const kubectl = (...args: readonly string[]) =>
    sh(output("kubectl-path"), ["--kubeconfig", output("kubeconfig"), ...args]);
  const asUser = (...args: readonly string[]) => [`--kubeconfig=${output("user-kubeconfig")}`, ...args];
  const may = async (verb: string, resource: string, ...more: readonly string[]) => {
    const args = asUser("auth", "can-i", verb, resource, ...more);
    return (await sh(output("kubectl-path"), args).catch((error: Error) => error.message)).includes("yes");
  };

  before(async () => {
    machine = await prepareMachine();
    await mkdir(join(ROOT, ".run"), { recursive: true });
    scratch = await mkdtemp(join(ROOT, ".run", "test-"));
    await writeFile(join(scratch, "extra.yaml"), MANIFESTS);
    const gateway = await kindGateway();
    resolver = await serveDns(gateway, { "only.test": "192.0.2.10", [`.${SEARCH_DOMAIN}`]: "203.0.113.99" });
    await withSearchDomain(gateway, "bologna-worker", () =>
      npm(
        "start",
        "--",
        "artifact=false",
        "api-server-address=0.0.0.0",
        `extra-sans=${DOCKER_HOST_NAME}`,
        "groups=testers",
        "certificate-lifetime=2h",
        `rbac-manifests=${join(scratch, "extra.yaml")}`,
      ),
    );
    outputs = JSON.parse(await readFile(join(ROOT, ".run/outputs.json"), "utf8"));
  });
  after(async () => {
    await npm("stop");
    await resolver.close();
    await rm(scratch, { recursive: true, force: true });
  });

  describe("credentials", () => {
    it("are a certificate that openssl verifies against the CA", async () => {
      const verified = await sh("openssl", [
        "verify",
        "-CAfile",
        output("ca-certificate-path"),
        output("client-certificate-path"),
      ]);
      assert.match(verified, /: OK$/);
    });

    it("name the user and the groups, match the key and live as long as requested", async () => {
      const certificate = new X509Certificate(await readFile(output("client-certificate-path")));
      assert.deepEqual(certificate.subject.split("\n").toSorted(), ["CN=torch", "O=testers"]);
      const key = createPrivateKey(await readFile(output("client-key-path")));
      assert.ok(certificate.checkPrivateKey(key));
      const from = Date.parse(certificate.validFrom);
      const lifetime = (Date.parse(certificate.validTo) - from) / 60_000;
      // The signer backdates by five minutes; below eight hours it adds them to the lifetime.
      assert.equal(lifetime, 125);
    });

    it("are readable by their owner alone if they are secret", async () => {
      assert.equal((await stat(output("client-key-path"))).mode & 0o777, 0o600);
      assert.equal((await stat(output("credentials-directory"))).mode & 0o777, 0o700);
      assert.equal((await stat(output("kubeconfig"))).mode & 0o777, 0o600);
    });

    it("hold no private key in any output", () => {
      assert.doesNotMatch(JSON.stringify(outputs), /PRIVATE KEY/);
    });
  });

  describe("the API server, with the three files alone", () => {
    const inContainer = (network: string, endpoint: string, ...more: readonly string[]) =>
      sh("docker", [
        "run",
        "--rm",
        `--network=${network}`,
        ...more,
        `--volume=${output("credentials-directory")}:/credentials:ro`,
        "--entrypoint=curl",
        machine.probeImage,
        "--silent",
        "--show-error",
        "--fail",
        "--max-time",
        "20",
        "--cacert",
        "/credentials/ca.crt",
        "--cert",
        "/credentials/torch-signed.crt",
        "--key",
        "/credentials/torch.key",
        `${endpoint}/api`,
      ]);

    it("is reached from a container on kind's network by the internal endpoint", async () => {
      assert.equal(output("endpoint"), "https://bologna-control-plane:6443");
      assert.match(await inContainer("kind", output("endpoint")), /APIVersions/);
    });

    it("is reached from a container on another network by a name of the Docker host", async () => {
      const network = "kind-torch-test-other";
      await sh("docker", ["network", "create", network]);
      try {
        const endpoint = `https://${DOCKER_HOST_NAME}:${new URL(output("endpoint-external")).port}`;
        const host = `--add-host=${DOCKER_HOST_NAME}:host-gateway`;
        assert.match(await inContainer(network, endpoint, host), /APIVersions/);
      } finally {
        await sh("docker", ["network", "rm", network]);
      }
    });

    it("is reached from the host by the external endpoint", async () => {
      assert.equal(await statusFromHost({ withCertificate: true }), 200);
    });

    it("refuses a client without the certificate", async () => {
      assert.equal(await statusFromHost({ withCertificate: false }), 403);
    });

    it("refuses a client with a certificate of another CA", async () => {
      const file = (name: string) => join(scratch, name);
      const subject = ["-subj", "/CN=torch", "-days", "1", "-nodes"];
      await sh("openssl", [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-keyout",
        file("o.key"),
        "-out",
        file("o.crt"),
        ...subject,
      ]);
      const refusal = await failing("curl", [
        ...["--silent", "--show-error", "--fail", "--cacert", output("ca-certificate-path")],
        ...["--cert", file("o.crt"), "--key", file("o.key"), `${output("endpoint-external")}/api`],
      ]);
      assert.match(refusal, /401/);
    });

    it("is not trusted by a client that trusts another CA", async () => {
      const refusal = await failing("curl", [
        ...["--silent", "--show-error", "--cacert", join(scratch, "o.crt")],
        `${output("endpoint-external")}/api`,
      ]);
      assert.match(refusal, /certificate/i);
    });

    async function statusFromHost({ withCertificate }: { readonly withCertificate: boolean }): Promise<number> {
      const [ca, cert, key] = await Promise.all(
        ["ca-certificate-path", "client-certificate-path", "client-key-path"].map((name) => readFile(output(name))),
      );
      return await new Promise((resolve, reject) => {
        const asked = request(
          `${output("endpoint-external")}/api`,
          { ca, ...(withCertificate ? { cert, key } : {}), timeout: 20_000 },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        asked.on("error", reject).end();
      });
    }
  });

  describe("the user's rights (rbac: torch)", () => {
    for (const resource of ["deployments.apps", "services", "pods", "namespaces"]) {
      it(`may create ${resource}`, async () => {
        assert.equal(await may("create", resource, "--all-namespaces"), true);
      });
    }
    it("may not read secrets in kube-system", async () => {
      assert.equal(await may("get", "secrets", "--namespace=kube-system"), false);
    });
    it("may not create cluster roles", async () => {
      assert.equal(await may("create", "clusterroles"), false);
    });
    it("can really create a namespace with a deployment in it", async () => {
      await sh(output("kubectl-path"), asUser("create", "namespace", "by-torch"));
      await sh(
        output("kubectl-path"),
        asUser("create", "deployment", "--namespace=by-torch", "--replicas=0", `--image=${machine.probeImage}`, "app"),
      );
      assert.match(await kubectl("get", "deployments", "--namespace=by-torch", "--output=name"), /app/);
    });
    it("are added to those of rbac-manifests", async () => {
      assert.match(await kubectl("get", "configmap", "granted-by-manifest", "--output=name"), /granted/);
    });
  });

  describe("the cluster", () => {
    it("is the guide's: Kubernetes 1.28, one control plane and one worker, all Ready", async () => {
      assert.match(output("kubernetes-version"), /^1\.28\./);
      assert.equal(output("cluster-name"), "bologna");
      const ready = `jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
      const nodes = await kubectl("get", "nodes", `--output=${ready}`);
      assert.deepEqual(nodes.split("\n").toSorted(), ["bologna-control-plane True", "bologna-worker True"]);
    });

    it("has every controller, including the node IPAM controller", async () => {
      await kubectl("wait", "--namespace=kube-system", "--for=condition=Ready", "pods", "--all", "--timeout=90s");
      const arguments_ = await kubectl(
        ...["get", "pods", "--namespace=kube-system", "--selector=tier=control-plane"],
        "--output=jsonpath={range .items[*]}{.spec.containers[0].command}{end}",
      );
      assert.match(arguments_, /--controllers=nodeipam|--controllers=\*,bootstrapsigner,tokencleaner"/);
    });

    it("gives a node that registers later its pod subnet", async () => {
      const manifest = join(scratch, "node.json");
      await writeFile(manifest, JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "late" } }));
      await kubectl("create", `--filename=${manifest}`);
      const subnet = () => kubectl("get", "node", "late", "--output=jsonpath={.spec.podCIDR}");
      try {
        await eventually("the node gets a subnet", async () => (await subnet()) !== "");
        assert.match(await subnet(), /^10\.244\.\d+\.0\/24$/);
      } finally {
        await kubectl("delete", "node", "late", "--wait=false");
      }
    });

    it("lets pods on two nodes talk, resolves names, and does not have the host's search domains", async () => {
      await sh(output("kind-path"), ["load", "docker-image", machine.probeImage, "--name=bologna"]);
      const pod = (name: string, node: string, command: string) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "default" },
        spec: {
          nodeName: node,
          terminationGracePeriodSeconds: 0,
          containers: [
            { name, image: machine.probeImage, imagePullPolicy: "IfNotPresent", command: ["sh", "-c", command] },
          ],
        },
      });
      const manifest = join(scratch, "pods.json");
      const items = [
        pod("server", "bologna-worker", "exec /agnhost netexec --http-port=8080"),
        pod("client", "bologna-control-plane", "sleep 3600"),
      ];
      await writeFile(manifest, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
      await kubectl("apply", `--filename=${manifest}`);
      await kubectl("wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=90s");
      const address = await kubectl("get", "pod", "server", "--output=jsonpath={.status.podIP}");
      const inClient = (...command: readonly string[]) => kubectl("exec", "client", "--", ...command);
      assert.equal(
        await inClient(
          "curl",
          "--silent",
          "--retry",
          "5",
          "--retry-connrefused",
          "--max-time",
          "20",
          `http://${address}:8080/echo?msg=hello`,
        ),
        "hello",
      );
      const lookUp = (name: string) => inClient("dig", "+short", "+search", name);
      assert.equal(await lookUp("kubernetes.default.svc.cluster.local"), "10.96.0.1");
      assert.equal(await lookUp("only.test"), "192.0.2.10");
      assert.doesNotMatch(await inClient("cat", "/etc/resolv.conf"), new RegExp(SEARCH_DOMAIN));
    });

    it("gives a claim of the default class a volume, which keeps what a pod wrote", async () => {
      await sh(output("kind-path"), ["load", "docker-image", machine.probeImage, "--name=bologna"]);
      const pod = (name: string, command: string) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "default" },
        spec: {
          restartPolicy: "Never",
          volumes: [{ name: "kept", persistentVolumeClaim: { claimName: "kept" } }],
          containers: [
            {
              name,
              image: machine.probeImage,
              imagePullPolicy: "IfNotPresent",
              command: ["sh", "-c", command],
              volumeMounts: [{ name: "kept", mountPath: "/kept" }],
            },
          ],
        },
      });
      const claim = {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "kept", namespace: "default" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
      };
      const apply = async (...items: readonly unknown[]) => {
        const manifest = join(scratch, "claim.json");
        await writeFile(manifest, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
        await kubectl("apply", `--filename=${manifest}`);
      };
      const ended = (name: string) =>
        kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", `pod/${name}`, "--timeout=90s");
      await apply(claim, pod("writer", "echo written > /kept/file"));
      await ended("writer");
      await kubectl("delete", "pod", "writer");
      await apply(pod("reader", "cat /kept/file"));
      await ended("reader");
      assert.equal(await kubectl("logs", "reader"), "written");
      const bound = "--output=jsonpath={.status.phase} {.spec.storageClassName}";
      assert.equal(await kubectl("get", "persistentvolumeclaim", "kept", bound), "Bound standard");

      const volume = await kubectl("get", "persistentvolumeclaim", "kept", "--output=jsonpath={.spec.volumeName}");
      await kubectl("delete", "pod/reader", "persistentvolumeclaim/kept");
      await kubectl("wait", "--for=delete", `persistentvolume/${volume}`, "--timeout=90s");
    });

    it("left the inotify limits at the required values or above", async () => {
      const limits = await readLimits();
      assert.ok((limits["fs.inotify.max_user_watches"] ?? 0) >= 524288);
      assert.ok((limits["fs.inotify.max_user_instances"] ?? 0) >= 512);
    });

    it("is not started twice: npm start says that it exists", async () => {
      assert.match(await failing("npm", ["start"]), /npm stop/);
    });

    it("keeps its name: another run with it is refused before anything is touched", async () => {
      const run = await prepareRun(machine, { "cluster-name": "bologna" });
      const result = await run.main();
      await run.dispose();
      assert.equal(result.exitCode, 1);
      assert.match(result.log.join("\n"), /cluster-name: "bologna" is the name of a cluster that exists already/);
      assert.deepEqual(Object.keys(result.state), ["main"]);
    });
  });

  it("is gone after npm stop, with everything that belongs to it", async () => {
    const runDirectory = join(output("kubeconfig"), "..");
    const mounted = await volumesOf(["bologna-control-plane", "bologna-worker"]);
    assert.notDeepEqual(mounted, []);
    await npm("stop");
    assert.deepEqual(await dockerLeftovers("bologna"), []);
    const left = await volumes();
    assert.deepEqual(
      mounted.filter((name) => left.includes(name)),
      [],
    );
    assert.deepEqual(await processesNaming(runDirectory), []);
    await assert.rejects(stat(runDirectory), { code: "ENOENT" });
    assert.doesNotMatch(
      await readFile(join(process.env.HOME ?? tmpdir(), ".kube/config"), "utf8").catch(() => ""),
      /kind-bologna/,
    );
  });
});
