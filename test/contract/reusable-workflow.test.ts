import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
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
    assert.equal(stepNamed(WRITE), action - 1);
    assert.match(steps[action]?.with?.["pull-credentials"] ?? "", /steps\.pull-credentials\.outputs\.file/);
    assert.equal(stepNamed("Remove the pull credentials"), action + 1);
    // A job that is cancelled while they are written down has no output of that step.
    assert.equal(steps[action + 1]?.if, "always()");
    const [written, removed] = [steps[action - 1]?.env?.FILE, steps[action + 1]?.env?.FILE];
    assert.equal(removed, written);
  });
});
