import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { installAct } from "../programs.ts";
import { type ActRun, filesWith, runWorkflow } from "./act/sandbox.ts";
import { dockerLeftovers, type Machine, prepareMachine, processesNaming, sh } from "./harness.ts";

const CLUSTER = "act-three";
const CELL = "1.28-simple-server-and-georef";

/** A caller of the reusable workflow whose command fails, or is cancelled: test/e2e/act/caller.yml. */
describe("the command of a caller of the reusable workflow", () => {
  let machine: Machine;
  let act: string;
  before(async () => {
    machine = await prepareMachine();
    act = await installAct(console.error);
    await removeCluster();
  });
  after(removeCluster);
  const run = (caller: string, cancelAt?: RegExp) =>
    runWorkflow(act, machine, {
      workflow: "caller.yml",
      variables: { CALLER: caller },
      ...(cancelAt === undefined ? {} : { cancelAt }),
    });

  it("fails the job as it failed; its tests are in the summary, its files and TORCH-V2's logs in artifacts", async (context) => {
    const ended = await run("fails");
    context.after(() => ended.dispose());
    const { log, artifacts, exitCode } = ended;
    assert.equal(exitCode, 1, log);
    assert.match(log, /Failure - Main Run the caller's command/);
    const { result, "exit-code": code, tests, ...others } = await readResult(ended);
    assert.deepEqual([result, code, tests], ["failure", "3", "8"]);
    assert.deepEqual([others["failed-tests"], others["skipped-tests"]], ["3", "2"]);
    assert.equal(others["files-artifact"], `torch-e2e-files-${CELL}`);

    assert.match(log, /## The command failed: exit code 3 after \d+ s/);
    assert.match(log, /8 tests: 3 passed, 2 failed, 1 error, 2 skipped/);
    assert.match(
      log,
      /<summary>Error: test_it: test_errors: failed on setup with "RuntimeError: no cluster"<\/summary>/,
    );
    assert.match(log, /reports\/cut\.xml is not read whole: it ends in the middle/);
    assert.match(log, /1 file\(s\) are links that lead out of the workspace, and not kept/);
    assert.match(log, /Ended 1 process\(es\) that the command had left running/);
    const [, summary = ""] = log.split("## The command failed");
    assert.doesNotMatch(summary, /not-for-the-summary|root:x:0/);

    assert.deepEqual(await list(artifacts.get(`torch-e2e-files-${CELL}`)), [
      "reports/cut.xml",
      "reports/more/pytest.xml",
    ]);
    const logs = await list(artifacts.get(`torch-e2e-credentials-${CELL}-logs`));
    for (const name of ["dashboard", "engine", "services"])
      assert.ok(logs.includes(`torch/${CLUSTER}-${name}.log`), logs.join());
    await expectNothing(ended);
  });

  it("is ended when the job is cancelled, with what it started, and leaves nothing", async (context) => {
    const ended = await run("waits", /\| waits to be cancelled/);
    context.after(() => ended.dispose());
    const { log } = ended;
    assert.match(log, /## The command did not end: it was stopped with its step/);
    const { result, "exit-code": code } = await readResult(ended);
    assert.deepEqual([result, code], ["cancelled", undefined]);
    await expectNothing(ended);
  });
});

async function readResult({ artifacts, log }: ActRun): Promise<Readonly<Record<string, string>>> {
  const folder = artifacts.get(`torch-e2e-result-${CELL}`) ?? assert.fail(log);
  return JSON.parse(await readFile(join(folder, "torch-e2e-result.json"), "utf8"));
}

/** Neither containers nor processes, and no file in which the command's output or the key is. */
async function expectNothing({ home, log }: ActRun): Promise<void> {
  assert.match(log, new RegExp(`Deleted ${CLUSTER}-control-plane`));
  assert.deepEqual(await dockerLeftovers(CLUSTER), []);
  assert.deepEqual(await processesNaming("TORCH_E2E_COMMAND="), []);
  assert.deepEqual(
    (await readdir(home, { recursive: true })).filter((path) => path.endsWith("/torch-e2e-command")),
    [],
  );
  assert.deepEqual(
    await filesWith(home, ["-----BEGIN PRIVATE KEY-----\nMII", "-----BEGIN RSA PRIVATE KEY-----\nMII"]),
    [],
  );
}

/** The files below a folder, by their paths in it. */
async function list(folder: string | undefined): Promise<readonly string[]> {
  const entries = await readdir(folder ?? assert.fail("no such artifact"), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice((folder ?? "").length + 1))
    .toSorted();
}

async function removeCluster(): Promise<void> {
  for (const name of await dockerLeftovers(CLUSTER)) await sh("docker", ["rm", "--force", "--volumes", name]);
}
