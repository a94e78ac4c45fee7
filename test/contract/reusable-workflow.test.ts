import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { parse } from "yaml";

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string>>;
}

const file = join(import.meta.dirname, "../../.github/workflows/torch-e2e.yml");
const workflow: { jobs: { boot: { steps: readonly Step[] } } } = parse(await readFile(file, "utf8"));
const { steps } = workflow.jobs.boot;
const stepNamed = (name: string) => steps.findIndex((step) => step.name === name);

/** Runs the script that writes a secret into a file for the Action. */
async function writeDown(context: TestContext, secret: string) {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-secret-"));
  context.after(() => rm(folder, { recursive: true }));
  const place = join(folder, "config.json");
  const env = { PATH: process.env.PATH, CREDENTIALS: secret, FILE: place, GITHUB_OUTPUT: join(folder, "output") };
  // As the runner starts it.
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", steps[stepNamed(WRITE)]?.run ?? ""];
  const printed = execFileSync("bash", args, { env, encoding: "utf8", timeout: 10_000 });
  return { folder, place, printed };
}

/** The client alone: no engine is asked for anything. */
const WITHOUT_BUILDX = spawnSync("docker", ["buildx", "version"]).status === 0 ? false : "docker buildx is missing";

const WRITE = "Write down the pull credentials";

describe("the reusable workflow's pull credentials", () => {
  it("are a file that only its owner reads, word for word, named to the Action", async (context) => {
    const secret =
      '{\n  "auths": {"private.example": {"auth": "cHVsbGVyOiQoaWQpYGlkYA=="}}, "note": "$(id) `id` \\"%s\\""\n}';
    const { folder, place, printed } = await writeDown(context, secret);
    assert.equal(await readFile(place, "utf8"), secret);
    assert.equal((await stat(place)).mode & 0o777, 0o600);
    assert.equal(await readFile(join(folder, "output"), "utf8"), `file=${place}\n`);
    assert.equal(printed, "");
  });

  it("are no file where there is no secret", async (context) => {
    const { folder } = await writeDown(context, "");
    assert.deepEqual(await readdir(folder), []);
  });

  it("are written before the Action, and removed right after it, however it ends", () => {
    const action = steps.findIndex(({ id }) => id === "torch");
    assert.equal(stepNamed(WRITE), action - 2);
    assert.equal(steps[action - 1]?.id, "second");
    assert.match(steps[action]?.with?.["pull-credentials"] ?? "", /steps\.pull-credentials\.outputs\.file/);
    assert.equal(stepNamed("Remove the pull credentials"), action + 1);
    // A job that is cancelled while they are written down has no output of that step.
    assert.equal(steps[action + 1]?.if, "always()");
    const [written, removed] = [steps[action - 2]?.env?.FILE, steps[action + 1]?.env?.FILE];
    assert.equal(removed, written);
  });
});

const READ = "Read the names of the clusters";

/** Runs the step that reads the names of the clusters. */
async function readClusters(context: TestContext, clusters: string, name = "") {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-clusters-"));
  context.after(() => rm(folder, { recursive: true }));
  const output = join(folder, "output");
  await writeFile(output, "");
  const env = {
    PATH: process.env.PATH,
    CLUSTERS: clusters,
    CLUSTER_NAME: name,
    ENDPOINT: "internal",
    GITHUB_OUTPUT: output,
  };
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", steps[stepNamed(READ)]?.run ?? ""];
  const { status, stdout, stderr } = spawnSync("bash", args, { env, encoding: "utf8", timeout: 10_000 });
  return { status, printed: stdout, errors: stderr, output: await readFile(output, "utf8") };
}

describe("the reusable workflow's clusters", () => {
  it("are one or two names, and nothing where the input is not set", async (context) => {
    const cases: readonly (readonly [string, string])[] = [
      ["", ""],
      ['["bologna", "catania"]', "first=bologna\nsecond=catania\n"],
      ['["bologna"]', "first=bologna\nsecond=\n"],
      ['\n[\n"a.b",\n"c"\n]\n', "first=a.b\nsecond=c\n"],
    ];
    for (const [clusters, expected] of cases) {
      const { status, printed, errors, output } = await readClusters(context, clusters);
      assert.equal(status, 0, printed + errors);
      assert.equal(output, expected);
    }
    assert.equal((await readClusters(context, "", "bologna")).output, "");
  });

  it("are refused with a reason and a fix where they are anything else", async (context) => {
    const cases: readonly (readonly [clusters: string, reason: RegExp])[] = [
      ["bologna, catania", /"bologna, catania" is not a JSON list of texts/],
      ["bologna", /is not a JSON list of texts/],
      ['["bologna"', /is not a JSON list of texts/],
      ['{"first": "bologna"}', /is not a JSON list of texts/],
      ["[1, 2]", /is not a JSON list of texts/],
      ['["a"] ["b"]', /is not a JSON list of texts/],
      ["null", /is not a JSON list of texts/],
      [" ", /is not a JSON list of texts/],
      ["[]", /is an empty list/],
      ['["a", "b", "c"]', /names 3 clusters, and this workflow has steps for two/],
      ['["a", "a"]', /names one cluster twice/],
      ['["a", ""]', /has a name that a cluster cannot have/],
      ['["a", "B"]', /has a name that a cluster cannot have/],
      ['["a", "b\\nsecond=c"]', /has a name that a cluster cannot have/],
      ['["a", "b\\n"]', /has a name that a cluster cannot have/],
      ["x\n::set-env name=A::b", /"x\\n::set-env/],
    ];
    for (const [clusters, reason] of cases) {
      const { status, printed, output } = await readClusters(context, clusters);
      assert.equal(status, 1, clusters);
      assert.match(printed, reason);
      assert.match(printed, /^::error title=clusters::clusters: .*\. Allowed: .*\. Fix: .*\.\n$/, "one line");
      assert.equal(output, "");
    }
    const both = await readClusters(context, '["a", "b"]', "bologna");
    assert.equal(both.status, 1);
    assert.match(both.printed, /and cluster-name name the clusters twice.*Fix: remove one of the two/);
  });

  it("are read before anything is made, the second is made before TORCH-V2's, and both alike", () => {
    assert.equal(stepNamed(READ), 0);
    const torch = steps.find(({ id }) => id === "torch")?.with ?? {};
    const second = steps.find(({ id }) => id === "second")?.with ?? {};
    assert.ok(steps.findIndex(({ id }) => id === "second") < steps.findIndex(({ id }) => id === "torch"));
    const own = ["cluster-name", "artifact-name", "api-server-address", "extra-sans"];
    const ofTorch = ["client-key", ...own];
    for (const [name, value] of Object.entries(second)) if (!own.includes(name)) assert.equal(torch[name], value, name);
    for (const name of Object.keys(torch)) {
      if (!name.startsWith("torch") && !ofTorch.includes(name)) assert.ok(name in second, `${name} of both clusters`);
    }
    assert.match(torch["client-key"] ?? "", /steps\.second\.outputs\.client-key-path/);
    assert.match(torch["torch-clusters"] ?? "", /steps\.second\.outputs\.credentials-directory/);
    assert.notEqual(torch["artifact-name"], second["artifact-name"]);
  });
});

describe("the reusable workflow, where its builder does not start", () => {
  it("goes on with Docker's own, which is that of the client's context", { skip: WITHOUT_BUILDX }, async (context) => {
    const folder = await mkdtemp(join(tmpdir(), "kind-torch-context-"));
    context.after(() => rm(folder, { recursive: true }));
    const { DOCKER_HOST: _, DOCKER_CONTEXT: __, ...rest } = process.env;
    const env = { ...rest, DOCKER_CONFIG: folder };
    const run = (file: string, args: readonly string[]) =>
      spawnSync(file, args, { env, encoding: "utf8", timeout: 20_000 });
    const script = steps[stepNamed("Go on with Docker's own builder")]?.run ?? "";
    const goOn = () => run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
    assert.equal(goOn().status, 0);
    // As with Docker without root.
    run("docker", ["context", "create", "rootless", `--docker=host=unix://${folder}/docker.sock`]);
    run("docker", ["context", "use", "rootless"]);
    const { status, stderr } = goOn();
    assert.equal(status, 0, stderr);
    assert.match(run("docker", ["buildx", "inspect"]).stdout, /^Name: +rootless$/m);
  });
});
