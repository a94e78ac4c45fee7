import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { runStep } from "../../scripts/local/runner.ts";
import { prepareMachine, sh } from "../e2e/harness.ts";
import { dockerObjects } from "../e2e/left.ts";
import { CSAR, DOCKER, placeTorch } from "../e2e/torch.ts";
import { makeCredentials } from "../unit/earlier.ts";
import { makePlace, type Place, refused } from "./refusal.ts";

const LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n";

/** The built bundle with a checkout or a template that it must refuse; none of these creates a cluster. */
describe("with TORCH-V2, main refuses", () => {
  let place: Place;
  let torch: string;
  before(() => prepareMachine());
  beforeEach(async () => {
    place = await makePlace();
    torch = join(place.folders.workspace, "torch_v2");
    await placeTorch(torch);
  });
  afterEach(() => rm(place.root, { recursive: true }));
  const words = async (inputs: Readonly<Record<string, string>> = {}) =>
    (await refused(place, { torch: "torch_v2", ...inputs })).join("\n");

  it("an example that does not exist, with its path and the existing ones", async () => {
    const text = await words({ "torch-example": "three-clusters" });
    assert.match(
      text,
      /torch-example: ".*three-clusters\/docker" does not exist: looked for \/.*three-clusters\/docker/,
    );
    assert.match(text, /the examples are simple-server-and-georef, two-clusters/);
  });

  it("everything that is missing in a checkout, at once", async () => {
    await rm(join(torch, "dashboard"), { recursive: true });
    await rm(join(torch, "model/flowable/Dockerfile"));
    await rm(join(torch, DOCKER, "docker-compose-torchservices-solver.yaml"));
    await rm(join(torch, DOCKER, "bpmn_plans_v2_3_8.zip"));
    const text = await words();
    assert.match(text, /^torch-dashboard-folder: "dashboard" does not exist: looked for \/.*\/torch_v2\/dashboard\./m);
    assert.match(text, /^torch-engine-folder: ".*Dockerfile" does not exist/m);
    assert.match(text, /^torch: ".*docker-compose-torchservices-solver\.yaml" does not exist/m);
    assert.match(text, /^torch-bpmn-plans: "" is not set, and .* has no zip of BPMN plans/m);
  });

  it("a moved layout, until inputs name the new places", async () => {
    await rename(join(torch, "dashboard"), join(torch, "web"));
    await mkdir(join(torch, "deploy"));
    await rename(join(torch, DOCKER), join(torch, "deploy/docker"));
    await rename(join(torch, "deploy/docker/bpmn_plans_v2_3_8.zip"), join(torch, "plans.zip"));
    const places = {
      "torch-dashboard-folder": "web",
      "torch-example-folder": "deploy/docker",
      "torch-bpmn-plans": "plans.zip",
    };
    assert.match(await words(), /torch-example: /);
    // The remaining problem has nothing to do with the layout.
    assert.deepEqual((await refused(place, { torch: "torch_v2", ...places, wait: "long" })).slice(1).length, 1);
  });

  it("a build context that leads out of the checkout", async () => {
    await rm(join(torch, "dashboard"), { recursive: true });
    await symlink("/usr", join(torch, "dashboard"));
    assert.match(await words(), /torch-dashboard-folder: "dashboard" leads out of the checkout/);
  });

  it("a compose file that compose does not read, with compose's own message", async () => {
    await writeFile(
      join(torch, DOCKER, "docker-compose-flowable-rest-solver.yaml"),
      "services: {engine: {ports: x}}\n",
    );
    assert.match(await words(), /has a compose file that compose cannot read: .*ports/s);
  });

  it("plans that are not BPMN: the entry, or that Git LFS has not fetched them", async () => {
    const plans = join(torch, DOCKER, "bpmn_plans_v2_3_8.zip");
    const html = strToU8("<!DOCTYPE html><html><body>Sign in</body></html>");
    await writeFile(plans, zipSync({ ...unzipSync(await readFile(plans)), "x.bpmn20.xml": html }));
    assert.match(
      await words(),
      /torch-bpmn-plans: .* contains x\.bpmn20\.xml, which is not BPMN \(it begins with "<!DOCTYPE/,
    );
    await writeFile(plans, LFS_POINTER);
    assert.match(await words(), /torch-bpmn-plans: .* is a Git LFS pointer, not the file/);
  });

  it("a missing folder, a submodule that was not fetched, a compose file of another name", async () => {
    assert.match(await words({ torch: "nowhere" }), /^torch: ".*nowhere" is not an existing folder/m);
    await rm(join(torch, "service-layer"), { recursive: true });
    await writeFile(join(torch, ".gitmodules"), '[submodule "s"]\n\tpath = service-layer\n\turl = ../s.git\n');
    assert.match(await words(), /\.gitmodules has service-layer as a submodule, which was not fetched/);
    const folder = join(torch, DOCKER);
    await rename(join(folder, "docker-compose-flowable-rest-solver.yaml"), join(folder, "compose.yaml"));
    assert.match(await words(), /its name is fixed, and the folder has compose\.yaml, docker-compose-torch/);
  });

  it("no compose file for its extension alone", async () => {
    const folder = join(torch, DOCKER);
    await rename(
      join(folder, "docker-compose-flowable-rest-solver.yaml"),
      join(folder, "docker-compose-flowable-rest-solver.yml"),
    );
    assert.doesNotMatch((await refused(place, { torch: "torch_v2", wait: "long" })).join("\n"), /flowable/);
  });

  it("a port that is in use, with the compose file that publishes it", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(8080, "127.0.0.1", resolve));
    try {
      assert.match(
        await words(),
        /torch: ".*docker-compose-flowable-rest-solver\.yaml: 8080" publishes port 8080, which is already in use on this machine/,
      );
    } finally {
      server.close();
    }
  });

  it("a port that the cluster publishes too", async () => {
    const mapping = "extraPortMappings: [{containerPort: 30080, hostPort: 8005, listenAddress: 127.0.0.1}]";
    const nodes = `nodes: [{role: control-plane, ${mapping}}]`;
    const text = await words({ "kind-config": `kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n${nodes}\n` });
    assert.match(text, /dashboard-solver\.yaml: 8005" publishes port 8005, and so does kind-config: nodes\.0/);
  });

  it("a compose file that builds what cannot be kept", async () => {
    const file = join(torch, DOCKER, "docker-compose-flowable-rest-solver.yaml");
    const text = await readFile(file, "utf8");
    const build = "build: { context: ../../../model/flowable, shm_size: 1gb }";
    await writeFile(file, text.replace(/^( +)image: .*$/m, `$&\n$1${build}`));
    assert.match(await words(), /has build options that are not passed on: shm_size/);
  });

  it("a container that has one of TORCH-V2's names", async () => {
    await sh("docker", ["create", "--name=bologna-engine", "python:3.11-slim-bookworm"]);
    try {
      assert.match(await words(), /cluster-name: "bologna-engine" is the name of an existing container/);
    } finally {
      await sh("docker", ["rm", "bologna-engine"]);
    }
  });

  it("credentials inside a build context", async () => {
    const text = await words({ "credentials-directory": "torch_v2/service-layer/keys" });
    assert.match(text, /credentials-directory: .* is in the folder that the service layer's image is built from/);
  });

  it("all bad inputs of TORCH-V2 at once", async () => {
    const bad = {
      torch: "https://user:pw-1234@example.org/torch_v2.git",
      "torch-ref": "--upload-pack=x",
      "torch-example": "../elsewhere",
      "torch-endpoint": "outside",
      "torch-wait": "1s",
      "torch-csar": "../x.zip",
      "torch-dashboard-folder": "/usr",
      "torch-credentials-mount": "relative",
    };
    const text = await words(bad);
    for (const name of Object.keys(bad)) assert.match(text, new RegExp(`^${name}: `, "m"), name);
    assert.doesNotMatch(text, /pw-1234/);
  });

  it("clusters of earlier steps that it cannot use, all at once", async () => {
    const at = (name: string) => join(place.folders.workspace, name);
    const [catania] = await Promise.all([
      makeCredentials(at("catania")),
      makeCredentials(at("own"), { cluster: "bologna" }),
      makeCredentials(at("keyless")),
      mkdir(at("empty")),
    ]);
    await rm(at("keyless/torch.key"));
    const text = await words({ "torch-clusters": "catania, own\nkeyless,empty,nowhere,../outside" });
    const expected = [
      /^torch-clusters: ".*\/catania" has .* the cluster catania, which does not exist on this Docker Engine, or no longer/m,
      /^torch-clusters: ".*\/own" has the credentials of bologna, which is the name of this step's own cluster/m,
      /^torch-clusters: ".*\/keyless" has torch\.key, which does not exist/m,
      /^torch-clusters: ".*\/empty" has no <user>\.kubeconfig/m,
      /^torch-clusters: ".*\/nowhere" does not exist\. .* Fix: write the output credentials-directory/m,
      /^torch-clusters: "\.\.\/outside" leads out of the workspace/m,
    ];
    for (const each of expected) assert.match(text, each);
    assert.equal(text.match(/^torch-clusters: /gm)?.length, expected.length);
    assert.ok(!text.includes(catania.privateKey.split("\n")[1] ?? ""));
  });

  it("clusters of earlier steps without TORCH-V2, or with install-only", async () => {
    const clusters = { torch: "", "torch-clusters": "catania" };
    assert.match(await words(clusters), /^torch-clusters and torch: ".*catania" has no effect unless torch is set/m);
    const text = await words({ ...clusters, "install-only": "true" });
    assert.match(text, /^torch-clusters and install-only: "catania" has no effect with install-only: true/m);
  });

  describe("a CSAR", () => {
    const edit = async (change: (files: Record<string, Uint8Array>) => void) => {
      const files = unzipSync(await readFile(join(torch, CSAR)));
      change(files);
      await writeFile(join(torch, CSAR), zipSync(files, { level: 0 }));
    };
    const entryOf = (files: Record<string, Uint8Array>) =>
      Object.keys(files).find((name) => /\.ya?ml$/.test(name)) ?? assert.fail("no template");
    const cases: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
      ["that is not a zip", () => writeFile(join(torch, CSAR), "not a zip"), /is not a zip archive that can be read/],
      [
        "that is larger than TORCH-V2 takes",
        () =>
          edit((files) => {
            files["large.bin"] = new Uint8Array(randomBytes(100_000));
          }),
        /is too large for the dashboard: \d+ bytes with the clusters' endpoints, of at most 98\d+/,
      ],
      [
        "without a Cluster node",
        () =>
          edit((files) => {
            const yaml = strFromU8(files[entryOf(files)] ?? new Uint8Array());
            files[entryOf(files)] = strToU8(
              yaml.replaceAll("torch.nodes.Location.Cluster", "torch.nodes.Location.Aws"),
            );
          }),
        /does not have a node of type torch\.nodes\.Location\.Cluster/,
      ],
      [
        "without its template",
        () =>
          edit((files) => {
            delete files[entryOf(files)];
          }),
        /has no .*ya?ml, which TOSCA-Metadata\/TOSCA\.meta names/,
      ],
      [
        "that Git LFS has not fetched",
        () => writeFile(join(torch, CSAR), LFS_POINTER),
        /is a Git LFS pointer, not the file/,
      ],
      ["that does not exist", () => rm(join(torch, CSAR)), /does not exist: looked for .* and .*/],
    ];
    for (const [name, change, expected] of cases) {
      it(name, async () => {
        await change();
        assert.match(await words({ "torch-csar": CSAR }), expected);
      });
    }
  });
});

describe("with TORCH-V2 from a git URL, main fails", () => {
  it("if it cannot be fetched, with git's own message and before a cluster is created", async () => {
    await prepareMachine();
    const before = await dockerObjects();
    const { root, folders } = await makePlace();
    const inputs = { torch: "git://127.0.0.1:9/torch_v2", "torch-ref": "main", artifact: "false" };
    const result = await runStep({ entry: "main", folders, inputs });
    assert.equal(result.exitCode, 1);
    const log = result.log.join("\n");
    assert.match(log, /::error::fetching git:\/\/127\.0\.0\.1:9\/torch_v2: .*(?:Connection refused|unable to connect)/);
    assert.match(log, /check torch and torch-ref/);
    assert.doesNotMatch(log, /Creating cluster/);
    const post = await runStep({
      entry: "post",
      folders,
      inputs: { ...inputs, "job-status": "failure" },
      state: result.state,
    });
    assert.deepEqual(
      post.log.filter((line) => line.startsWith("::")),
      [],
    );
    const left = [...(await dockerObjects())].filter((each) => !before.has(each));
    assert.deepEqual(left, []);
    await rm(root, { recursive: true });
  });
});
