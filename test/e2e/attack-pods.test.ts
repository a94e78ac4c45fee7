import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { type ActionRun, eventually, failing, type Machine, prepareMachine, prepareRun, sh } from "./harness.ts";
import { CSAR, placeTorch, torchLeftovers, useLightServices } from "./torch.ts";

/** What the recipe exempts from Pod Security. The test environment's storage has no namespace of its own. */
const EXEMPT_NAMESPACES = ["kube-system", "local-path-storage"];

/** What lets a pod reach out of itself, and Pod Security's message for each. */
const REACHING_OUT: Readonly<Record<string, { readonly spec: object; readonly container?: object; words: RegExp }>> = {
  privileged: {
    spec: {},
    container: { securityContext: { privileged: true } },
    words: /privileged \(container "main" must not set securityContext\.privileged=true\)/,
  },
  "the node's disk": {
    spec: { volumes: [{ name: "node", hostPath: { path: "/" } }] },
    words: /hostPath volumes \(volume "node"\)/,
  },
  "the node's network": { spec: { hostNetwork: true }, words: /host namespaces \(hostNetwork=true\)/ },
  "the node's processes": { spec: { hostPID: true }, words: /host namespaces \(hostPID=true\)/ },
  "the node's shared memory": { spec: { hostIPC: true }, words: /host namespaces \(hostIPC=true\)/ },
  "a port of the node": {
    spec: {},
    container: { ports: [{ containerPort: 80, hostPort: 80 }] },
    words: /hostPort \(container "main" uses hostPort 80\)/,
  },
  "a capability": {
    spec: {},
    container: { securityContext: { capabilities: { add: ["SYS_ADMIN"] } } },
    words: /non-default capabilities/,
  },
  "a capability of a container that is not in the list of containers": {
    spec: {
      initContainers: [{ name: "init", image: "x", securityContext: { capabilities: { add: ["SYS_PTRACE"] } } }],
    },
    words: /non-default capabilities/,
  },
  "no seccomp, no AppArmor": {
    spec: { securityContext: { seccompProfile: { type: "Unconfined" } } },
    words: /seccompProfile/,
  },
};

/** A cluster with what the user `torch` does in it, by the user's own credentials. */
class UserOf {
  readonly #outputs: Readonly<Record<string, string>>;
  readonly #image: string;
  #files = 0;
  readonly #folder: string;

  constructor(outputs: Readonly<Record<string, string>>, image: string, folder: string) {
    this.#outputs = outputs;
    this.#image = image;
    this.#folder = folder;
  }

  output(name: string): string {
    return this.#outputs[name] ?? assert.fail(`no output ${name}`);
  }

  admin(...args: readonly string[]): Promise<string> {
    return sh(this.output("kubectl-path"), [`--kubeconfig=${this.output("kubeconfig")}`, ...args]);
  }

  torch(...args: readonly string[]): Promise<string> {
    return sh(this.output("kubectl-path"), [`--kubeconfig=${this.output("user-kubeconfig")}`, ...args]);
  }

  /** The API server's answer to a request that it is expected to refuse. */
  refused(...args: readonly string[]): Promise<string> {
    return failing(this.output("kubectl-path"), [`--kubeconfig=${this.output("user-kubeconfig")}`, ...args]);
  }

  /** As whoever has this token. */
  async withToken(token: string, ...args: readonly string[]): Promise<string> {
    const empty = join(this.#folder, "empty.kubeconfig");
    await writeFile(empty, "");
    return await sh(this.output("kubectl-path"), [
      ...[`--kubeconfig=${empty}`, `--server=${this.output("endpoint-external")}`, `--token=${token}`],
      ...[`--certificate-authority=${this.output("ca-certificate-path")}`, ...args],
    ]);
  }

  async may(...words: readonly string[]): Promise<boolean> {
    const answer = await this.torch("auth", "can-i", ...words).catch((error: Error) => error.message);
    return /^yes$/m.test(answer);
  }

  /** An object as a file. */
  async file(object: object): Promise<string> {
    this.#files += 1;
    const path = join(this.#folder, `${this.#files}.json`);
    await writeFile(path, JSON.stringify(object));
    return `--filename=${path}`;
  }

  podSpec(script: string, spec: object = {}, container: object = {}): object {
    return {
      restartPolicy: "Never",
      tolerations: [{ operator: "Exists" }],
      containers: [
        {
          ...{ name: "main", image: this.#image, imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script] },
          ...container,
        },
      ],
      ...spec,
    };
  }

  pod(name: string, script: string, spec: object = {}, container: object = {}): object {
    return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: this.podSpec(script, spec, container) };
  }

  deployment(name: string, container: object = {}, spec: object = {}): object {
    const labels = { app: name };
    const template = {
      metadata: { labels },
      spec: { ...this.podSpec("exec sleep 3600", spec, container), restartPolicy: "Always" },
    };
    return {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    };
  }

  /** Runs a pod to its end; it is kept, because its token ends with it. @returns what it printed. */
  async runPod(pod: object, name: string, namespace: string): Promise<string> {
    await this.torch("create", `--namespace=${namespace}`, await this.file(pod));
    await eventually(`the pod ${name} ends`, async () =>
      /Succeeded|Failed/.test(
        await this.torch("get", "pod", name, `--namespace=${namespace}`, "--output=jsonpath={.status.phase}"),
      ),
    );
    return await this.torch("logs", name, `--namespace=${namespace}`);
  }
}

/** Loads the image of the tests into the nodes. */
async function loadProbe(user: UserOf, image: string): Promise<void> {
  await sh("docker", ["image", "inspect", image]).catch(() => sh("docker", ["pull", image]));
  await sh(user.output("kind-path"), ["load", "docker-image", image, "--name", user.output("cluster-name")]);
}

describe("a pod of the user torch, without Pod Security", () => {
  let machine: Machine;
  let run: ActionRun;
  let user: UserOf;
  let folder: string;
  before(async () => {
    machine = await prepareMachine();
    folder = await mkdtemp(join(tmpdir(), "kind-torch-pods-"));
    run = await prepareRun(machine, { "cluster-name": "attack-pods", workers: "0" });
    const result = await run.main();
    assert.equal(result.exitCode, 0, result.log.join("\n"));
    user = new UserOf(result.outputs, machine.probeImage, folder);
    await loadProbe(user, machine.probeImage);
  });
  after(async () => {
    await run.post();
    await run.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it("is root on the node: it reads the key of the cluster's CA", async () => {
    const spec = { volumes: [{ name: "node", hostPath: { path: "/" } }] };
    const container = { volumeMounts: [{ name: "node", mountPath: "/node" }] };
    const script = "head -n 1 /node/etc/kubernetes/pki/ca.key";
    assert.match(
      await user.runPod(user.pod("reader", script, spec, container), "reader", "default"),
      /BEGIN RSA PRIVATE KEY/,
    );
  });

  it("is root on the runner: it mounts the machine's disk", async () => {
    const [source = "", target = "", type = ""] = (
      await sh("findmnt", ["--noheadings", "--output=SOURCE,TARGET,FSTYPE", `--target=${folder}`])
    ).split(/\s+/);
    const { dev } = await stat(folder);
    if (!/^ext|^xfs/.test(type) || !source.startsWith("/dev/")) {
      // Not skipped: a check that did not run is not a success.
      throw new Error(`${folder} is on ${type} from ${source}: this test needs a temporary folder on a disk`);
    }
    const marker = join(folder, "marker");
    await writeFile(marker, "only-on-the-runner");
    await sh("sync", []);
    // Linux's numbers of a device, as stat(2) packs them.
    const numbers = `${(dev >> 8) & 0xfff} ${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
    const path = `/tmp/disk/${relative(target, marker)}`;
    const script = `mknod /tmp/d b ${numbers} && mkdir /tmp/disk && mount -t ${type} /tmp/d /tmp/disk && cat ${path}`;
    const pod = user.pod("disk", script, {}, { securityContext: { privileged: true } });
    assert.equal(await user.runPod(pod, "disk", "default"), "only-on-the-runner");
  });

  it("is the cluster's admin: in kube-system it has the token of a controller that may escalate", async () => {
    const account = "clusterrole-aggregation-controller";
    const token = await user.runPod(
      user.pod("taker", "cat /var/run/secrets/kubernetes.io/serviceaccount/token", { serviceAccountName: account }),
      "taker",
      "kube-system",
    );
    const list = ["get", "secrets", "--namespace=kube-system", "--output=name"];
    assert.match(await user.refused(...list), /forbidden/);
    const rules = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
    const patch = ["patch", "clusterrole", `system:controller:${account}`, "--type=merge"];
    await user.withToken(token, ...patch, `--patch=${JSON.stringify({ rules })}`);
    await eventually("the controller has every right", async () =>
      (await user.withToken(token, ...list).catch(() => "")).includes("secret/bootstrap-token"),
    );
  });
});

/**
 * The recipe of the document, as it is there: two files, and the step's inputs.
 * @param policies the version of the API in which the policy is written.
 */
async function readRecipe(policies: "v1" | "v1beta1", workspace: string) {
  const text = await readFile(join(import.meta.dirname, "../../docs/security.md"), "utf8");
  const section = text.split("### Keep pods off the runner\n")[1]?.split(/\n##+ /)[0] ?? "";
  const blocks = [...section.matchAll(/^```(?:yml|yaml)\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const [admission = "", policy = "", steps = ""] = blocks;
  const inputs = readStepInputs(parse(steps));
  const newer = (block: string) =>
    policies === "v1beta1"
      ? block
      : block.replaceAll("/v1beta1\n", "/v1\n").replaceAll(/^(?:featureGates|runtimeConfig): .*\n/gm, "");
  return {
    admission,
    policy: newer(policy),
    inputs: {
      ...inputs,
      "kind-config": newer(inputs["kind-config"] ?? "").replaceAll("${" + "{ github.workspace }}", workspace),
    },
  };
}

/** The inputs of the step that makes the cluster. */
function readStepInputs(steps: unknown): Readonly<Record<string, string>> {
  assert.ok(Array.isArray(steps));
  const inputs: unknown = steps
    .map((step) => Object(step).with)
    .find((each) => Object(each)["kind-config"] !== undefined);
  return Object.fromEntries(Object.entries(Object(inputs)).map(([name, value]) => [name, String(value)]));
}

for (const [kubernetes, policies, boots] of [
  ["1.28", "v1beta1", true],
  ["1.31", "v1", false],
] as const) {
  describe(`a pod of the user torch under Pod Security baseline, Kubernetes ${kubernetes}`, () => {
    const cluster = `attack-baseline-${kubernetes.replace(".", "-")}`;
    let machine: Machine;
    let run: ActionRun;
    let user: UserOf;
    let folder: string;
    let log: readonly string[];
    before(async () => {
      machine = await prepareMachine();
      await raiseBedFor(kubernetes, console.error);
      folder = await mkdtemp(join(tmpdir(), "kind-torch-pods-"));
      run = await prepareRun(machine, {
        "cluster-name": cluster,
        "kubernetes-version": kubernetes,
        ...(boots ? { torch: "torch_v2", "torch-csar": CSAR } : {}),
      });
      const { workspace } = run.folders;
      const { admission, policy, inputs } = await readRecipe(policies, workspace);
      await mkdir(join(workspace, ".github/pod-security"), { recursive: true });
      await writeFile(join(workspace, ".github/pod-security/admission.yaml"), admission);
      await writeFile(join(workspace, ".github/pod-security/policy.yaml"), policy);
      if (boots) {
        await placeTorch(join(workspace, "torch_v2"));
        await useLightServices(join(workspace, "torch_v2"));
      }
      const result = await run.main({ inputs });
      ({ log } = result);
      assert.equal(result.exitCode, 0, log.join("\n").replaceAll("%0A", "\n"));
      user = new UserOf(result.outputs, machine.probeImage, folder);
      await loadProbe(user, machine.probeImage);
      await user.torch("create", "namespace", "mine");
      // A policy takes a moment to be known to the API server.
      const pod = await user.file(user.pod("early", "true"));
      await eventually("the policy holds", async () => {
        const answer = await user
          .torch("create", "--dry-run=server", "--namespace=kube-system", pod)
          .catch((error: Error) => error.message);
        return answer.includes("torch-in-its-own-namespaces");
      });
    });
    after(async () => {
      await run.post();
      await run.dispose();
      await rm(folder, { recursive: true, force: true });
      assert.deepEqual(await torchLeftovers(cluster), []);
    });

    it("is refused with Pod Security's message if it reaches out of itself", async () => {
      for (const namespace of ["default", "mine"]) {
        for (const [what, { spec, container, words }] of Object.entries(REACHING_OUT)) {
          const pod = await user.file(user.pod("out", "true", spec, container));
          const answer = await user.refused("create", `--namespace=${namespace}`, pod);
          assert.match(answer, /violates PodSecurity "baseline:latest"/, what);
          assert.match(answer, words, what);
        }
      }
    });

    it("is refused if it calls itself a static pod's mirror", async () => {
      const container = { securityContext: { privileged: true } };
      const metadata = { name: "mirror", annotations: { "kubernetes.io/config.mirror": "x" } };
      const pod = await user.file({ ...user.pod("mirror", "true", {}, container), metadata });
      assert.match(await user.refused("create", "--namespace=mine", pod), /violates PodSecurity|mirror/);
    });

    it("is not created by a Deployment that asks for more", async () => {
      const deployment = user.deployment("more", { securityContext: { privileged: true } });
      await user.torch("create", "--namespace=mine", await user.file(deployment));
      const message = 'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}';
      await eventually("the Deployment says why", async () =>
        (await user.torch("get", "deployment", "more", "--namespace=mine", `--output=${message}`)).includes(
          'violates PodSecurity "baseline:latest"',
        ),
      );
      assert.equal(await user.torch("get", "pods", "--namespace=mine", "--output=name"), "");
      await user.torch("delete", "deployment", "more", "--namespace=mine");
    });

    it("is not in a namespace that the user has created with a level of its own", async () => {
      const labels = { "pod-security.kubernetes.io/enforce": "privileged" };
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "open", labels } };
      assert.match(
        await user.refused("create", await user.file(namespace)),
        /torch does not choose a namespace's Pod Security/,
      );
      assert.equal(await user.may("patch", "namespaces"), false);
    });

    it("is not in an exempt namespace, and what runs there cannot be changed", async () => {
      const all = (await user.admin("get", "namespaces", "--output=jsonpath={.items[*].metadata.name}")).split(" ");
      assert.ok(all.includes("kube-system"));
      for (const namespace of EXEMPT_NAMESPACES) {
        const again = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
        assert.match(
          await user.refused("create", await user.file(again)),
          /the system's namespaces are not torch's|already exists/,
        );
        if (!all.includes(namespace)) continue;
        for (const object of [user.pod("in", "true"), user.deployment("in")]) {
          assert.match(
            await user.refused("create", `--namespace=${namespace}`, await user.file(object)),
            /the system's namespaces are not torch's/,
          );
        }
        const pods = await user.torch("get", "pods", `--namespace=${namespace}`, "--output=name");
        const [first = assert.fail("no pod")] = pods.split("\n");
        const patch = JSON.stringify({ metadata: { labels: { changed: "yes" } } });
        for (const args of [
          ["patch", first, `--patch=${patch}`],
          ["delete", first],
        ]) {
          assert.match(
            await user.refused(...args, `--namespace=${namespace}`),
            /the system's namespaces are not torch's/,
          );
        }
      }
    });

    it("has no way around it: no ephemeral container, no kubelet, no token, no other controller", async () => {
      for (const words of [
        ["update", "pods", "--subresource=ephemeralcontainers"],
        ["patch", "pods", "--subresource=ephemeralcontainers"],
        ["create", "pods", "--subresource=exec"],
        ["create", "pods", "--subresource=attach"],
        ["get", "nodes", "--subresource=proxy"],
        ["create", "nodes", "--subresource=proxy"],
        ["create", "serviceaccounts", "--subresource=token"],
        ...["daemonsets.apps", "statefulsets.apps", "jobs.batch", "replicasets.apps"].map((each) => ["create", each]),
        ["create", "persistentvolumes"],
        ["get", "secrets"],
        ["impersonate", "users"],
        ["delete", "validatingadmissionpolicies.admissionregistration.k8s.io"],
      ]) {
        assert.equal(await user.may(...words, "--all-namespaces"), false, words.join(" "));
      }
      const token = await user.runPod(
        user.pod("asker", "cat /var/run/secrets/kubernetes.io/serviceaccount/token"),
        "asker",
        "mine",
      );
      const rights = await user.withToken(token, "auth", "can-i", "--list");
      assert.match(rights, /selfsubjectaccessreviews/);
      assert.doesNotMatch(rights, /pods|secrets|deployments|\*\.\*/);
    });

    it("runs where it is an application's: a Deployment is available", async () => {
      await user.torch("create", "--namespace=mine", await user.file(user.deployment("application")));
      await user.torch(
        ...["wait", "--namespace=mine", "--for=condition=Available", "deployment/application", "--timeout=90s"],
      );
      if (boots) assert.match(log.join("\n"), /STARTED/);
    });

    it("leaves the system as it is: every Deployment of it is up, and the boot is accelerated", async () => {
      const waited = await user.admin(
        ...["wait", "--for=condition=Available", "deployments", "--all", "--all-namespaces", "--timeout=60s"],
      );
      assert.match(waited, /coredns condition met/);
      const pods = await user.admin("get", "pods", "--namespace=kube-system", "--output=jsonpath={.items[*].spec}");
      assert.match(pods, /unsafe-no-fsync/);
    });

    // The last one: it removes the policy.
    it("depends on both: without the policy the user opens a namespace, and kube-system", async () => {
      const privileged = await user.file(user.pod("out", "true", {}, { securityContext: { privileged: true } }));
      const labels = { "pod-security.kubernetes.io/enforce": "privileged" };
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "open", labels } };
      const open = await user.file(namespace);
      await user.admin("delete", "validatingadmissionpolicybinding", "torch-in-its-own-namespaces");
      await eventually("the policy does not hold any more", () =>
        user.torch("create", open).then(
          () => true,
          () => false,
        ),
      );
      for (const place of ["open", "kube-system"])
        await user.torch("create", "--dry-run=server", `--namespace=${place}`, privileged);
      assert.match(await user.refused("create", "--namespace=mine", privileged), /violates PodSecurity/);
    });
  });
}
