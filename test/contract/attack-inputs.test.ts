import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { strToU8, zipSync } from "fflate";
import { runStep } from "../../scripts/local/runner.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { CSAR, DOCKER, placeTorch } from "../e2e/torch.ts";
import { makePlace, type Place, refused } from "./refusal.ts";

/** What the author of a pull request may try with files, links, mounts and addresses: the built bundle refuses it or warns. */
describe("of a hostile checkout, main refuses", () => {
  let place: Place;
  let torch: string;
  before(() => prepareMachine());
  beforeEach(async () => {
    place = await makePlace();
    torch = join(place.folders.workspace, "torch_v2");
    await placeTorch(torch);
  });
  afterEach(() => rm(place.root, { recursive: true }));
  // Little memory: what is refused must not be read first.
  const words = async (inputs: Readonly<Record<string, string>> = {}) =>
    (
      await refused(
        place,
        { torch: "torch_v2", ...inputs },
        { environment: { NODE_OPTIONS: "--max-old-space-size=256" } },
      )
    ).join("\n");
  const compose = join(DOCKER, "docker-compose-torchservices-solver.yaml");
  const addToService = async (lines: string, more = "") => {
    const file = join(torch, compose);
    const text = await readFile(file, "utf8");
    await writeFile(file, `${text.replace(/^( +)image: .*$/m, `$&\n${lines.replace(/^/gm, "$1")}`)}${more}`);
  };

  it("credentials behind a link into a build context, in a folder that is made later", async () => {
    await symlink("torch_v2/service-layer", join(place.folders.workspace, "keys"));
    const text = await words({ "credentials-directory": "keys/made/later" });
    assert.match(text, /credentials-directory: .* is in the folder that the service layer's image is built from/);
  });

  it("credentials in a folder that is mounted into a container, and behind a link that the container can change", async () => {
    await mkdir(join(torch, DOCKER, "data"));
    await mkdir(join(place.folders.workspace, "safe"));
    await symlink(join(place.folders.workspace, "safe"), join(torch, DOCKER, "data/link"));
    await addToService("volumes: ['./data:/data']");
    const mounted = await words({ "credentials-directory": `torch_v2/${DOCKER}/data/keys` });
    assert.match(
      mounted,
      /credentials-directory: .* is in a folder that a container can see: .*services\.torchservices/,
    );
    const linked = await words({ "credentials-directory": `torch_v2/${DOCKER}/data/link/keys` });
    assert.match(linked, /credentials-directory: .* leads through the link .*, which a container can change/);
  });

  for (const [what, lines, more, reason] of [
    [
      "Docker's socket",
      "volumes: ['/var/run/docker.sock:/s']",
      "",
      /mounts \/var\/run\/docker\.sock.*, which is in \/run/,
    ],
    ["the whole disk", "volumes: ['/:/host:ro']", "", /mounts \/, which contains /],
    [
      "a link of the checkout to the whole disk",
      "volumes: ['./disk:/host']",
      "",
      /mounts .*\/disk \(\/\), which contains /,
    ],
    [
      "a volume that is a folder of the machine",
      "volumes: ['disk:/host']",
      "volumes: { disk: { driver_opts: { type: none, o: bind, device: /etc } } }\n",
      /volumes\.disk" mounts \/etc, which is in \/etc/,
    ],
    ["the rights of root", "privileged: true", "", /services\.torchservices" asks for privileged/],
    ["another container's volumes", "volumes_from: ['container:x']", "", /asks for volumes_from: container:x/],
  ] as const) {
    it(`${what} in a container`, async () => {
      await symlink("/", join(torch, DOCKER, "disk"));
      await addToService(lines, more);
      assert.match(await words(), reason);
    });
  }

  it("the runner's temporary folder in a container, and its tool cache", async () => {
    await addToService(`volumes: ['${place.folders.temp}/x:/t:ro', '${place.folders.toolCache}:/c']`);
    const text = await words();
    assert.match(text, /which is in .*temp: the runner's temporary folder, where credentials are/);
    assert.match(text, /which is in .*tools: the runner's tool cache/);
  });

  it("a checkout that is a link out of the workspace", async () => {
    await mkdir(join(place.root, "outside"));
    await placeTorch(join(place.root, "outside/torch"));
    await symlink(join(place.root, "outside/torch"), join(place.folders.workspace, "linked"));
    assert.match(await words({ torch: "linked" }), /^torch: ".*linked" leads out of the workspace through a link/m);
  });

  it("URLs and paths with line breaks, and URLs that git reads differently", async () => {
    for (const url of [
      "https://gitlab.example/a\n::error::b",
      "https://gitlab.example/a\tb",
      "https:gitlab.example/a",
      "https:\\\\gitlab.example\\a",
    ]) {
      assert.match(await words({ torch: url }), /^torch: ".*" contains a space, a line break or a backslash/m, url);
    }
    const text = await words({ "kind-mirror": "https://mirror.example/a\r\nb", "torch-bpmn-plans": "a\u0007b.zip" });
    assert.match(text, /^kind-mirror: ".*" is not a base URL/m);
    assert.match(text, /^torch-bpmn-plans: ".*" contains a line break or a control character/m);
  });

  it("templates and plans that are large, or that become large when they are read", async () => {
    await writeFile(join(torch, CSAR), zipSync({ "t.yaml": strToU8("{".repeat(500_000)) }));
    assert.match(
      await words({ "torch-csar": CSAR }),
      /has the file t\.yaml, which nests lists and mappings more than 64 levels deep/,
    );
    await truncate(join(torch, CSAR), 8 * 1024 ** 3);
    assert.match(await words({ "torch-csar": CSAR }), /torch-csar: .* is larger than 8388608 bytes/);
    await truncate(join(torch, DOCKER, "bpmn_plans_v2_3_8.zip"), 8 * 1024 ** 3);
    assert.match(await words(), /torch-bpmn-plans: .* is larger than 16777216 bytes/);
  });

  it("a compose file that is large", async () => {
    await addToService("labels:", `${"#".repeat(600_000)}\n`);
    assert.match(await words(), /torch: ".*torchservices-solver\.yaml" is larger than 524288 bytes/);
  });

  it("names that would be lines of the log", async () => {
    const node =
      '{ topology_template: { node_templates: { "c\\n::error::x": { type: torch.nodes.Location.Cluster } } } }';
    await writeFile(join(torch, CSAR), zipSync({ "t.yaml": strToU8(node) }));
    await writeFile(
      join(torch, DOCKER, "bpmn_plans_v2_3_8.zip"),
      zipSync({ "a\n::stop-commands::x.bpmn": strToU8("<html>") }),
    );
    const text = await words({ "torch-csar": CSAR });
    assert.match(text, /has a node "c\\u\{a\}::error::x" in t\.yaml, which is not a name/);
    assert.match(text, /contains a\\u\{a\}::stop-commands::x\.bpmn, which is not BPMN/);
    assert.ok(!text.split("\n").some((line) => /^\s*::(?!error::)/.test(line)), text);
  });
});

describe("about what may be intended, main warns", () => {
  it("that a source or a mirror without encryption, and an open temporary folder, can be changed by others", async () => {
    await prepareMachine();
    const { root, folders } = await makePlace();
    await chmod(folders.temp, 0o777);
    // Nothing answers there, so nothing is created.
    const inputs = {
      torch: "git://git.invalid/torch_v2",
      "kind-mirror": "http://mirror.invalid",
      artifact: "false",
    };
    const { exitCode, log } = await runStep({ entry: "main", folders, inputs });
    assert.equal(exitCode, 1);
    const warnings = log.filter((line) => line.startsWith("::warning::")).join("\n");
    assert.match(
      warnings,
      /TORCH-V2 is fetched from git:\/\/git\.invalid\/torch_v2 without encryption: anyone on the network path/,
    );
    assert.match(warnings, /kind-mirror: http:\/\/mirror\.invalid is read without encryption/);
    assert.match(warnings, /Every user of this machine can write to the runner's temporary folder, .* \(mode 777\)/);
    await rm(root, { recursive: true });
  });
});
