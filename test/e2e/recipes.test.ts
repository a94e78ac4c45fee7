import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseDocument } from "yaml";
import { readExamples } from "../../scripts/docs/examples.ts";
import { raiseBed } from "../../testbed/bed.ts";
import { helmFolder, publishRecipeImages, recipeManifests } from "../../testbed/recipes.ts";
import { kubeletPatches } from "../../testbed/releases.ts";
import { asRoot } from "../privileges.ts";
import { installAct } from "../programs.ts";
import { runWorkflow } from "./act/sandbox.ts";
import { dockerLeftovers, type Machine, machineOf, sh } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The versions of the recipe's matrix. */
const MINORS = ["1.28", "1.31", "1.37"] as const;
const CLUSTERS = ["ingress", "metrics", "chart", "hub", "workload", ...MINORS.map((minor) => `k8s-${minor}`)];
/** Where a reader's repository has the Action, which they would name by its owner and release. */
const ACTION = "kind-torch-action";

/**
 * The workflows of docs/recipes.md, under act, as they are printed there. Replaced are the Action's name, by the folder
 * that has it, and in this folder the defaults of the inputs that name the test environment's downloads.
 */
describe("the recipes", { concurrency: 2 }, () => {
  let machine: Machine;
  let act: string;
  /** Where Helm is, unless the machine has it. */
  let programs: string | undefined;
  let manifests: string;
  let recipes: ReadonlyMap<string, string>;
  let images: readonly string[] = [];

  before(async () => {
    const bed = await raiseBed({ kubernetes: MINORS, log: console.error });
    machine = machineOf(bed);
    if (!bed.official) {
      images = await publishRecipeImages(console.error);
      await route("replace");
    }
    act = await installAct(console.error);
    programs = await sh("helm", ["version"]).then(
      () => undefined,
      () => helmFolder(console.error),
    );
    manifests = await recipeManifests(bed.official, console.error);
    const examples = readExamples(await readFile(join(ROOT, "docs/recipes.md"), "utf8"));
    recipes = new Map(examples.map(({ heading, workflow }) => [heading, workflow]));
    await removeClusters();
  });
  after(async () => {
    await removeClusters();
    // What the chart's recipe builds stays in the runner's Docker.
    const built = await sh("docker", ["images", "--format", "{{.Repository}}:{{.Tag}}", "localhost:5001/hello"]);
    if (built !== "") await sh("docker", ["image", "rm", ...built.split("\n")]);
    if (images.length === 0) return;
    await route("del");
    await sh("docker", ["image", "rm", ...images]);
  });

  /** Runs a recipe in a reader's repository. @returns the log of a run that succeeded and left no cluster. */
  async function succeed(heading: string, clusters: readonly string[], minor?: string): Promise<string> {
    const recipe = recipes.get(heading) ?? assert.fail(`docs/recipes.md has no ${heading}`);
    const run = await runWorkflow(act, machine, {
      workflow: "recipe.yml",
      event: "pull_request",
      options: minor === undefined ? [] : [`--matrix=kubernetes:${minor}`],
      ...(programs === undefined ? {} : { programs }),
      writeRepository: (folder) => writeReadersRepository(folder, recipe, minor),
    });
    await run.dispose();
    // Node.js shortens a message that is long.
    if (run.exitCode !== 0) console.error(run.log);
    assert.equal(run.exitCode, 0, heading);
    for (const cluster of clusters) assert.deepEqual(await dockerLeftovers(cluster), [], run.log);
    return run.log;
  }

  async function writeReadersRepository(folder: string, recipe: string, minor?: string): Promise<void> {
    const workflows = join(folder, ".github/workflows");
    await mkdir(workflows, { recursive: true });
    await writeFile(join(workflows, "recipe.yml"), recipe.replaceAll("OWNER/kind-torch-action@v1", `./${ACTION}`));
    await cp(manifests, join(folder, "ci"), { recursive: true });
    await cp(join(ROOT, "docs/recipes/hello"), join(folder, "charts/hello"), { recursive: true });
    await cp(join(ROOT, "docs/recipes/Dockerfile"), join(folder, "Dockerfile"));

    await cp(join(ROOT, "dist"), join(folder, ACTION, "dist"), { recursive: true });
    const declaration = parseDocument(await readFile(join(ROOT, "action.yml"), "utf8"));
    for (const [name, value] of Object.entries(await supplyOf(folder, minor))) {
      assert.ok(declaration.hasIn(["inputs", name]), name);
      declaration.setIn(["inputs", name, "default"], value);
    }
    await writeFile(join(folder, ACTION, "action.yml"), declaration.toString());
  }

  /** What the Action needs here and not on GitHub's machines. */
  async function supplyOf(folder: string, minor = ""): Promise<Readonly<Record<string, string>>> {
    const { catalog, ...mirrors } = await machine.inputs(folder);
    const patches = catalog === undefined ? [] : kubeletPatches(minor);
    const config = { kind: "Cluster", apiVersion: "kind.x-k8s.io/v1alpha4", kubeadmConfigPatches: patches };
    return {
      ...mirrors,
      ...(catalog === undefined ? {} : { catalog: basename(catalog) }),
      ...(patches.length === 0 ? {} : { "kind-config": JSON.stringify(config) }),
    };
  }

  it("reach an application through an Ingress", async () => {
    const log = await succeed("Ingress", ["ingress"]);
    assert.match(log, /The answer is web-\w+-\w+\./);
  });

  it("have a figure for every node from metrics-server", async () => {
    const log = await succeed("metrics-server", ["metrics"]);
    assert.match(log, /\| metrics-control-plane +\d+m +\d+% +\d+Mi +\d+%/);
  });

  it("install a chart with the image of the commit, and run the chart's tests", async () => {
    const log = await succeed("A Helm chart and its image", ["chart"]);
    assert.match(log, /TEST SUITE: +hello-test/);
    assert.match(log, /Phase: +Succeeded/);
    assert.match(log, /\| hello-\w+-\w+$/m, "what the test's pod printed: the answer of a pod of the chart");
    assert.deepEqual(await dockerLeftovers("chart"), []);
  });

  it("use two clusters in one job, and remove both", async () => {
    const log = await succeed("Several clusters in one job", ["hub", "workload"]);
    assert.match(log, /"gitVersion": "v1\.28\.\d+"/, "what the pod in one cluster read from the other's API server");
    for (const cluster of ["hub", "workload"]) assert.match(log, new RegExp(`Deleted ${cluster}-control-plane`));
  });

  for (const minor of MINORS) {
    it(`tell versions and skew on Kubernetes ${minor}`, async () => {
      const log = await succeed("A matrix over Kubernetes versions", [`k8s-${minor}`], minor);
      const skew = minor === "1.31" ? "-1" : "0";
      const version = `v${minor.replace(".", "\\.")}\\.\\d+`;
      assert.match(
        log,
        new RegExp(`\\| ${version} \\| ${version} \\| v1\\.\\d+\\.\\d+ \\| ${skew} \\| v0\\.\\d+\\.\\d+ \\|`),
      );
    });
  }

  it("are all run", () => {
    assert.equal(recipes.size, 5, [...recipes.keys()].join(", "));
  });
});

/**
 * Keeps addresses of Services on this machine. One that kube-proxy does not know yet is sent to the default gateway. That
 * of the test environment may answer for every address, and the API server would keep its connection to metrics-server
 * there.
 */
async function route(change: "replace" | "del"): Promise<void> {
  await sh(...asRoot("ip", ["route", change, "unreachable", "10.96.0.0/16"]));
}

/** Removes what an interrupted or failed run of these tests has left; only the tests use these names. */
async function removeClusters(): Promise<void> {
  for (const cluster of CLUSTERS) {
    for (const name of await dockerLeftovers(cluster)) await sh("docker", ["rm", "--force", "--volumes", name]);
  }
}
