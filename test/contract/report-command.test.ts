import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { runStep } from "../../scripts/local/runner.ts";
import { makePlace, type Place } from "./refusal.ts";

const ROOT = join(import.meta.dirname, "../..");
const file = join(ROOT, ".github/workflows/torch-e2e.yml");
const workflow: { jobs: { boot: { steps: readonly { readonly id?: string; readonly run?: string }[] } } } = parse(
  await readFile(file, "utf8"),
);
const SCRIPT = workflow.jobs.boot.steps.find(({ id }) => id === "command")?.run ?? "";

/** A process that does nothing, to be found again. */
const LEFT_BEHIND = "sleep 3607";

async function preparePlace(context: TestContext): Promise<Place & { readonly folder: string }> {
  const place = await makePlace();
  context.after(() => rm(place.root, { recursive: true }));
  return { ...place, folder: join(place.folders.temp, "torch-e2e-command") };
}

/** Starts the workflow's script with a command, as the runner does. */
function begin({ folders, folder }: Awaited<ReturnType<typeof preparePlace>>, command: string): ChildProcess {
  const env = { PATH: process.env.PATH, COMMAND: command, TORCH_E2E_COMMAND: folder };
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPT];
  return spawn("bash", args, { env, cwd: folders.workspace, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a command to its end. @returns its exit code and what it printed. */
async function runCommand(place: Awaited<ReturnType<typeof preparePlace>>, command: string) {
  const child = begin(place, command);
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => printed.push(chunk));
  // Its end is not that of its output, which what it left in the background keeps open.
  const [exitCode] = await once(child, "exit");
  return { exitCode, printed: Buffer.concat(printed).toString() };
}

const report = ({ folders }: Place, inputs: Readonly<Record<string, string>> = {}) =>
  runStep({ entry: "report-command", folders, inputs: { artifact: "", ...inputs } });

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("the reusable workflow's command, and the report on it", () => {
  it("passes on the exit code, prints what the command prints, and says so", async (context) => {
    const place = await preparePlace(context);
    const { exitCode, printed } = await runCommand(place, "echo out; echo error >&2; false || exit 3");
    assert.equal(exitCode, 3);
    assert.equal(printed, "out\nerror\n");
    const { outputs, summary, exitCode: reported, log } = await report(place);
    assert.equal(reported, 0, log.join("\n"));
    assert.deepEqual([outputs["exit-code"], outputs.tests], ["3", ""]);
    assert.match(summary, /^## The command failed: exit code 3 after \d s\n/);
    assert.match(summary, /out\nerror\n/);
    assert.equal(await exists(place.folder), false, "what it printed stays nowhere");
  });

  it("shows test results, and says of each file or pattern what is wrong with it", async (context) => {
    const place = await preparePlace(context);
    const { workspace } = place.folders;
    await mkdir(join(workspace, "reports"));
    await copyFile(join(ROOT, "test/fixtures/junit/surefire.xml"), join(workspace, "reports/a.xml"));
    await writeFile(join(workspace, "reports/b.xml"), "<html></html>");
    await runCommand(place, "exit 1");
    const { outputs, summary, log } = await report(place, { results: "reports/*.xml, no/*.xml", artifacts: "reports" });
    const { tests, "failed-tests": failed, "skipped-tests": skipped } = outputs;
    assert.deepEqual([tests, failed, skipped], ["5", "2", "1"]);
    assert.match(summary, /5 tests: 2 passed, 1 failed, 1 error, 1 skipped/);
    assert.match(summary, /Failed: demo\.DeployTest: fails: state of &lt;georef>/);
    const warnings = log.filter((line) => line.startsWith("::warning::"));
    assert.deepEqual(warnings, [
      "::warning::results: no/*.xml matches no file.",
      "::warning::results: reports/b.xml is not read whole: its root is <html>, and not <testsuites> or <testsuite>.",
      "::warning::artifacts: this runner has no artifact service.",
    ]);
    assert.match(summary, /reports\/b\.xml is not read whole/);
  });

  it("keeps secrets out of the summary, also those that only the command has", async (context) => {
    const place = await preparePlace(context);
    const secret = "a<b>*of the command's own*";
    const pem = `-----BEGIN PRIVATE KEY-----\n${"QUJD".repeat(16)}\n-----END PRIVATE KEY-----`;
    await writeFile(
      join(place.folders.workspace, "tests.xml"),
      `<testsuite name="s"><testcase name="t"><failure message="a&lt;b&gt;*of the command's own*"><![CDATA[${pem}]]></failure></testcase></testsuite>`,
    );
    await runCommand(place, `echo '::add-mask::${secret.replaceAll("'", `'"'"'`)}'; exit 1`);
    const { summary, log } = await report(place, { results: "tests.xml" });
    for (const text of [summary, log.join("\n")]) {
      assert.doesNotMatch(text, /own|QUJDQUJD|add-mask/);
    }
    assert.match(summary, /redacted/);
  });

  it("ends what the command left running, first as it would end itself, and nothing else", async (context) => {
    const place = await preparePlace(context);
    const others = spawn("sleep", ["3608"], { stdio: "ignore" });
    context.after(() => others.kill());
    const asked = join(place.folders.workspace, "asked");
    const command = `(trap 'echo asked > ${asked}; exit' TERM; ${LEFT_BEHIND} & wait) & (trap '' TERM; ${LEFT_BEHIND}) & sleep 0.3`;
    const { exitCode } = await runCommand(place, command);
    assert.equal(exitCode, 0);
    assert.ok((await marked(place.folder)).length > 1);
    const { log } = await report(place);
    assert.match(log.join("\n"), /Ended \d process\(es\) that the command had left running/);
    assert.deepEqual(await marked(place.folder), []);
    assert.equal(await readFile(asked, "utf8"), "asked\n");
    assert.equal(others.exitCode ?? others.signalCode, null);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`passes ${signal}, by which the runner cancels a job, on to the command, and waits for it`, async (context) => {
      const place = await preparePlace(context);
      const child = begin(
        place,
        `trap 'sleep 0.3; echo cleaned > up; exit 9' INT TERM; echo ready; ${LEFT_BEHIND} & wait`,
      );
      await once(child.stdout ?? assert.fail(), "data");
      child.kill(signal);
      assert.deepEqual(await once(child, "exit"), [9, null]);
      assert.equal(await readFile(join(place.folders.workspace, "up"), "utf8"), "cleaned\n");
      assert.equal((await report(place)).outputs["exit-code"], "9");
      assert.deepEqual(await marked(place.folder), []);
    });
  }

  it("says of a command that was killed with its step that it did not end, and what it had printed", async (context) => {
    const place = await preparePlace(context);
    const child = begin(place, `echo ready; ${LEFT_BEHIND}`);
    await once(child.stdout ?? assert.fail(), "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    await sleep(100);
    const { summary, outputs, log } = await report(place, { results: "none.xml" });
    assert.match(summary, /^## The command did not end/);
    assert.match(summary, /ready/);
    assert.equal(outputs["exit-code"], "");
    assert.deepEqual(
      log.filter((line) => line.startsWith("::warning::")),
      [],
    );
    assert.deepEqual(await marked(place.folder), []);
  });

  it("has nothing to say where the command did not run", async (context) => {
    const place = await preparePlace(context);
    const { exitCode, summary, outputs } = await report(place, { results: "none.xml" });
    assert.deepEqual([exitCode, summary, outputs], [0, "", {}]);
  });

  it("refuses names outside of the workspace, all at once, before anything else is done", async (context) => {
    const place = await preparePlace(context);
    const inputs = { "check-only": "true", results: "/etc/*.xml, ../b.xml", artifacts: "ok, /c" };
    const { exitCode, log, summary } = await report(place, inputs);
    assert.equal(exitCode, 1);
    assert.equal(summary, "");
    const [error = "", ...others] = log.filter((line) => line.startsWith("::error::"));
    assert.deepEqual(others, []);
    assert.deepEqual(
      error
        .slice("::error::".length)
        .split("%0A")
        .map((line) => line.split(" leads")[0]),
      ['results: "/etc/*.xml"', 'results: "../b.xml"', 'artifacts: "/c"'],
    );
    assert.match(error, /Allowed: .*Fix: /);
    const { exitCode: good } = await report(place, { "check-only": "true", results: "reports/**/*.xml" });
    assert.equal(good, 0);
  });
});

/** The command lines of the command's processes. */
async function marked(folder: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return environment.split("\0").includes(`TORCH_E2E_COMMAND=${folder}`) ? [pid] : [];
    }),
  );
  return found.flat();
}
