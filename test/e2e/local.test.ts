import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { dockerLeftovers, eventually, prepareMachine, processesNaming, sh, volumes, volumesOf } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");
const LOCAL = join(ROOT, "scripts/local");

/** What a command printed, and how it ended. */
interface Ended {
  readonly output: string;
  readonly exitCode: number | null;
}

/** `npm start` and `npm stop`, in a folder for this test. */
describe("npm start, then npm stop", () => {
  let folder: string;
  before(async () => {
    await prepareMachine();
    folder = await mkdtemp(join(tmpdir(), "kind-torch-local-"));
  });
  // What a failed test has left, before its record is removed.
  afterEach(async () => {
    await stop();
    for (const name of await dockerLeftovers("")) {
      if (name.startsWith("e2e-local-")) await sh("docker", ["rm", "--force", "--volumes", name]);
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const inputsOf = (cluster: string) => [`cluster-name=${cluster}`, "workers=0", "wait=0s"];
  const begin = (file: string, ...args: readonly string[]) => {
    const env = { ...process.env, LOCAL_RUN_FOLDER: folder };
    const child = spawn(file, [...args], { cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "pipe"], env });
    const read = collectOutput(child);
    return { child, read, ended: endOf(child, read) };
  };
  const start = (...words: readonly string[]) => begin(process.execPath, join(LOCAL, "start.ts"), ...words);
  const stop = () => begin(process.execPath, join(LOCAL, "stop.ts")).ended;
  const record = () => exists(join(folder, "open-run.json"));
  const isMaking = (cluster: string) => async () => (await dockerLeftovers(cluster)).length > 0;
  /** Main and what it started have the inputs or the run's folder in their environment. */
  const stepsOf = async (cluster: string) => [
    ...(await processesNaming(`INPUT_CLUSTER-NAME=${cluster}`)),
    ...(await processesNaming(`${folder}/temp/kind-torch-`)),
  ];

  async function expectNothing(cluster: string, mounted: readonly string[] = []): Promise<void> {
    assert.deepEqual(await stepsOf(cluster), []);
    assert.deepEqual(await dockerLeftovers(cluster), []);
    const left = await volumes();
    assert.deepEqual(
      mounted.filter((name) => left.includes(name)),
      [],
    );
    assert.equal(await record(), false);
    const temp = await readdir(join(folder, "temp")).catch(() => []);
    assert.deepEqual(
      temp.filter((name) => name.startsWith("kind-torch-")),
      [],
    );
    const again = await stop();
    assert.equal(again.exitCode, 0);
    assert.match(again.output, /Nothing to stop/);
  }

  it("of a run that succeeds: no warning; a second start is refused; stop removes everything, and a second stop says so", async () => {
    const cluster = "e2e-local-whole";
    const { exitCode, output } = await start(...inputsOf(cluster)).ended;
    try {
      assert.equal(exitCode, 0, output);
      assert.doesNotMatch(output, /artifact service|^Warning/im);
      assert.equal(await exists(join(folder, "outputs.json")), true);
      const second = await start(...inputsOf("e2e-local-second")).ended;
      assert.equal(second.exitCode, 2);
      assert.match(second.output, /earlier npm start still exists.*npm stop/);
      assert.deepEqual(await dockerLeftovers("e2e-local-second"), []);
    } finally {
      const mounted = await volumesOf(await dockerLeftovers(cluster));
      assert.equal((await stop()).exitCode, 0);
      await expectNothing(cluster, mounted);
    }
    assert.equal(await exists(join(folder, "outputs.json")), false);
  });

  it("with bad input leaves nothing", async () => {
    const { exitCode, output } = await start("cluster-name=A B").ended;
    assert.equal(exitCode, 1);
    assert.match(output, /cluster-name/);
    assert.deepEqual(await readdir(join(folder, "temp", "_runner_file_commands")), []);
    await expectNothing("A B");
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"] as const) {
    it(`ended by ${signal} while kind creates the cluster: nothing is left`, async () => {
      const cluster = `e2e-local-${signal.toLowerCase()}`;
      const { child, ended } = start(...inputsOf(cluster));
      await eventually("kind makes a node", isMaking(cluster));
      child.kill(signal);
      const { output } = await ended;
      if (signal !== "SIGKILL") {
        assert.match(output, /The step was stopped/);
        assert.deepEqual(await stepsOf(cluster), []);
      }
      assert.equal((await stop()).exitCode, 0);
      await expectNothing(cluster);
    });
  }

  it("killed before its step has begun, and as soon as it begins: nothing is left", async () => {
    for (const reached of [async () => true, record]) {
      const cluster = "e2e-local-early";
      const { child, ended } = start(...inputsOf(cluster));
      await eventually("the moment to kill came", reached, 60, 1);
      child.kill("SIGKILL");
      await ended;
      assert.equal((await stop()).exitCode, 0);
      await expectNothing(cluster);
    }
  });

  it("whose terminal is closed: nothing is left", async () => {
    const cluster = "e2e-local-closed";
    // A terminal of its own, which ends with it.
    const command = `npm start -- ${inputsOf(cluster).join(" ")}`;
    const { child, ended } = begin("script", "--quiet", "--return", "--command", command, "/dev/null");
    await eventually("kind makes a node", isMaking(cluster));
    child.kill("SIGKILL");
    await ended;
    await eventually("the step has ended", async () => (await stepsOf(cluster)).length === 0);
    assert.equal((await stop()).exitCode, 0);
    await expectNothing(cluster);
  });

  it("ended by timeout: nothing is left", async () => {
    const cluster = "e2e-local-timeout";
    // The limit is so long that the test can choose the moment: timeout passes the signal on, as it does at its limit.
    const { child, ended, read } = begin("timeout", "600", "npm", "start", "--", ...inputsOf(cluster));
    await eventually("kind makes a node", isMaking(cluster));
    child.kill("SIGTERM");
    await ended;
    // npm does not wait for the step, which says so when it has removed what it started.
    await eventually("the step has ended", async () => (await stepsOf(cluster)).length === 0);
    await eventually("the step says that it was stopped", async () => /The step was stopped/.test(read()));
    assert.equal((await stop()).exitCode, 0);
    await expectNothing(cluster);
  });

  for (const suspended of [false, true]) {
    it(`that is still running${suspended ? ", suspended" : ""}: a second start is refused, stop ends it, and nothing is left`, async () => {
      const cluster = "e2e-local-running";
      const { child, ended } = start(...inputsOf(cluster));
      await eventually("kind makes a node", isMaking(cluster));
      const second = await start(...inputsOf("e2e-local-second")).ended;
      assert.equal(second.exitCode, 2);
      assert.match(second.output, new RegExp(`running already \\(process ${child.pid}\\).*npm stop`));
      if (suspended) child.kill("SIGSTOP");
      const stopped = await stop();
      assert.equal(stopped.exitCode, 0, stopped.output);
      assert.match(stopped.output, /is still running: ending it/);
      await ended;
      await expectNothing(cluster);
    });
  }
});

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** Gives what a command has printed so far. */
function collectOutput(child: ChildProcess): () => string {
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text) => output.push(text));
  return () => output.join("");
}

function endOf(child: ChildProcess, read: () => string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    // What it left running may hold its output open.
    child.on("exit", (exitCode) => setTimeout(() => resolve({ output: read(), exitCode }), 200));
  });
}
