import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createRequest } from "../../src/credentials/key.ts";
import { makeAuthority, openssl, signRequest } from "../unit/certificates.ts";
import {
  type ActionRun,
  dockerLeftovers,
  failing,
  type Machine,
  prepareMachine,
  prepareRun,
  sh,
  volumesOf,
} from "./harness.ts";
import { dockerObjects } from "./left.ts";
import { holds, placeTorch, readFolder, TWO_CSAR, TWO_DOCKER, tracesOfKey, useLightServices } from "./torch.ts";

const RESOURCES = "/usr/app/service-binding/instantiate-k8s-cluster-manual/src/main/resources";
const TEMPLATE = "two-clusters";

type Outputs = Readonly<Record<string, string>>;

const logOf = ({ log }: { readonly log: readonly string[] }) => log.join("\n").replaceAll("%0A", "\n");

/** Two steps of one job: the first makes catania, the second bologna, and boots TORCH-V2 for both. */
describe("two clusters with one user and one key", () => {
  let machine: Machine;
  let catania: ActionRun;
  let bologna: ActionRun;
  let outputs: Readonly<Record<"catania" | "bologna", Outputs>>;
  let key: string;
  let objects: ReadonlySet<string>;
  const output = (cluster: "catania" | "bologna", name: string) => outputs[cluster][name] ?? assert.fail(name);
  /** kubectl as the admin of a cluster. */
  const kubectl = (cluster: "catania" | "bologna", ...args: readonly string[]) =>
    sh(output("catania", "kubectl-path"), [`--kubeconfig=${output(cluster, "kubeconfig")}`, ...args]);
  /** The errors of a second step that is refused. */
  const refusal = async (inputs: Outputs) => {
    const result = await bologna.main({ inputs });
    assert.equal(result.exitCode, 1, logOf(result));
    assert.deepEqual(await dockerLeftovers("bologna"), []);
    return logOf(result);
  };
  /** A copy of catania's credentials in the workspace. */
  const copyCredentials = async (name: string) => {
    const copy = join(catania.folders.workspace, name);
    await cp(output("catania", "credentials-directory"), copy, { recursive: true });
    return copy;
  };

  before(async () => {
    machine = await prepareMachine();
    objects = await dockerObjects();
    catania = await prepareRun(machine, { "cluster-name": "catania", workers: "0" });
    const { workspace } = catania.folders;
    await openssl(workspace, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "team.key");
    const result = await catania.main({ inputs: { "client-key": "team.key" } });
    assert.equal(result.exitCode, 0, logOf(result));
    outputs = { catania: result.outputs, bologna: {} };
    key = await readFile(output("catania", "client-key-path"), "utf8");
    await placeTorch(join(workspace, "torch_v2"));
    await useLightServices(join(workspace, "torch_v2"), TWO_DOCKER);
    const inputs = {
      "cluster-name": "bologna",
      workers: "0",
      "client-key": output("catania", "client-key-path"),
      torch: "torch_v2",
      "torch-example": TEMPLATE,
      "torch-csar": TWO_CSAR,
      "torch-clusters": output("catania", "credentials-directory"),
    };
    bologna = await prepareRun(machine, inputs, catania);
  });
  after(async () => {
    await bologna?.post();
    await catania?.post();
    await catania?.dispose();
  });

  it("are refused with credentials of another CA, before anything is made", async () => {
    const copy = await copyCredentials("other-ca");
    const { workspace } = catania.folders;
    // kubeadm's CAs all have this name.
    await writeFile(join(copy, "ca.crt"), await makeAuthority(workspace, "kubernetes"));
    const swapped = await refusal({ "torch-clusters": copy });
    assert.match(swapped, /torch-clusters: ".*" has torch-signed\.crt, which is not signed by the cluster's CA/);
    assert.match(swapped, /Fix: write the output credentials-directory of the step that made that cluster/);
    // All of a set, so that only the API server can tell.
    const { certificateRequest } = await createRequest("torch", [], createPrivateKey(key));
    await writeFile(join(copy, "torch-signed.crt"), await signRequest(workspace, "kubernetes", certificateRequest));
    const whole = await refusal({ "torch-clusters": copy });
    assert.match(whole, /do not open the cluster catania: its API server has a certificate of another CA/);
  });

  it("are refused with torch-endpoint: external where containers do not reach the other API server", async () => {
    const text = await refusal({ "torch-endpoint": "external" });
    assert.match(text, /the cluster catania, whose API server is published on 127\.0\.0\.1/);
    assert.match(
      text,
      /Fix: give the step that made it api-server-address: \S+ and extra-sans: host\.docker\.internal/,
    );
  });

  it("are refused with credentials that an image would be built from", async () => {
    const text = await refusal({ "torch-clusters": await copyCredentials("torch_v2/service-layer/keys") });
    assert.match(text, /torch-clusters: ".*keys" is in the folder that the service layer's image is built from/);
    await rm(join(catania.folders.workspace, "torch_v2/service-layer/keys"), { recursive: true });
  });

  it("get TORCH-V2, which starts every node of one template", async () => {
    const result = await bologna.main();
    const log = logOf(result);
    assert.equal(result.exitCode, 0, log);
    outputs = { ...outputs, bologna: result.outputs };
    for (const node of ["bologna", "catania", "rvrptw", "compactor"]) assert.match(log, new RegExp(`${node}: STARTED`));
    assert.match(log, /Of two-clusters in the cluster bologna: deployment\/rvrptw-deployment/);
    assert.match(log, /Of two-clusters in the cluster catania: deployment\/compactor-deployment/);
    assert.match(result.summary, /\| Cluster catania \| `https:\/\/catania-control-plane:6443` \|/);
    assert.match(result.summary, /\| Namespace in catania \| `two-clusters` \| .*compactor-deployment/);
  });

  it("have each application in its own cluster, and in no other", async () => {
    const deployments = (cluster: "catania" | "bologna") =>
      kubectl(cluster, "get", "deployments", `--namespace=${TEMPLATE}`, "--output=name");
    assert.equal(await deployments("bologna"), "deployment.apps/rvrptw-deployment");
    assert.equal(await deployments("catania"), "deployment.apps/compactor-deployment");
  });

  it("have one key, and certificates that each open one cluster alone", async () => {
    assert.equal(await readFile(output("bologna", "client-key-path"), "utf8"), key);
    const asUser = (of: "catania" | "bologna", at: "catania" | "bologna") => [
      `--kubeconfig=${output(of, "user-kubeconfig")}`,
      `--server=${output(at, "endpoint-external")}`,
      // What the server says of the client, whatever CA it has itself.
      "--insecure-skip-tls-verify=true",
      "--certificate-authority=",
      ...["get", "namespaces"],
    ];
    const program = output("catania", "kubectl-path");
    for (const cluster of ["catania", "bologna"] as const) await sh(program, asUser(cluster, cluster));
    assert.match(await failing(program, asUser("catania", "bologna")), /Unauthorized|must be logged in|anonymous/i);
    assert.match(await failing(program, asUser("bologna", "catania")), /Unauthorized|must be logged in|anonymous/i);
  });

  it("have their files in the service layer's container alone, read-only and one by one", async () => {
    const mounts = async (component: string) => {
      const format = "{{range .Mounts}}{{println .Destination .RW}}{{end}}";
      return (await sh("docker", ["inspect", "--format", format, `bologna-${component}`])).split("\n").toSorted();
    };
    const names = ["ca.crt", "catania-ca.crt", "catania-torch-signed.crt", "catania-torch.key"];
    const all = [...names, "torch-signed.crt", "torch.key"].map((name) => `${RESOURCES}/${name} false`);
    assert.deepEqual(await mounts("services"), all.toSorted());
    assert.deepEqual([...(await mounts("dashboard")), ...(await mounts("engine"))], ["", ""]);
  });

  it("leave nothing after both posts in reverse order, and no key in the logs", async () => {
    const runDirectory = join(output("bologna", "kubeconfig"), "..");
    const kept = join(catania.folders.workspace, "kept");
    await cp(runDirectory, kept, { recursive: true });
    await copyCredentials("gone");
    const conf = await sh("docker", ["exec", "catania-control-plane", "cat", "/etc/kubernetes/admin.conf"]);
    const admin = Buffer.from(/client-key-data: (\S+)/.exec(conf)?.[1] ?? "", "base64").toString();

    const second = await bologna.post({ inputs: { "job-status": "failure" } });
    assert.equal(second.exitCode, 0);
    assert.match(logOf(second), /Removed the namespace two-clusters in catania/);
    assert.equal(await kubectl("catania", "get", "namespace", TEMPLATE, "--ignore-not-found", "--output=name"), "");
    const left = [...(await dockerObjects())].filter((each) => !objects.has(each));
    const others = /^(?:container \S+ catania-|network \S+ kind$)/;
    const volumesOfOther = await volumesOf(["catania-control-plane"]);
    assert.deepEqual(
      left.filter((each) => !others.test(each) && !volumesOfOther.some((volume) => each === `volume ${volume}`)),
      [],
    );
    const place = /The logs are in (\S+)/.exec(logOf(second))?.[1] ?? assert.fail(logOf(second));
    const traces = [...tracesOfKey(key), ...tracesOfKey(admin)];
    const files = await readFolder(place);
    const ofOther = [...files.keys()].filter((name) => name.startsWith(`clusters/catania/${TEMPLATE}/`));
    assert.match(ofOther.join("\n"), /compactor-deployment-\S+\.log/);
    assert.match(String(files.get(`clusters/catania/${TEMPLATE}/events.txt`)), /compactor-deployment/);
    assert.ok(holds(admin, traces));
    for (const [name, bytes] of files) assert.ok(!holds(bytes, traces), name);

    assert.equal((await catania.post()).exitCode, 0);
    assert.deepEqual(await dockerLeftovers("catania"), []);

    // A post that comes when the other cluster is gone: as if the two had run in the wrong order.
    await cp(kept, runDirectory, { recursive: true });
    const late = await bologna.post();
    assert.equal(late.exitCode, 0);
    assert.match(logOf(late), /The cluster catania does not run any more/);
    assert.doesNotMatch(logOf(late), /::warning/);
  });

  it("are refused once the other cluster has been removed", async () => {
    const gone = join(catania.folders.workspace, "gone");
    const text = await refusal({ "torch-clusters": gone, "client-key": "team.key" });
    assert.match(text, /the cluster catania, which does not exist on this Docker Engine, or no longer/);
  });
});
