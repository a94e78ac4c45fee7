import assert from "node:assert/strict";
import type { StepResult } from "../../scripts/local/runner.ts";
import { raiseBedFor } from "../../scripts/local/testbed.ts";
import { WITHOUT_ROOT } from "../privileges.ts";
import { type Fault, fault, logOf, type Subject } from "./fault.ts";
import { type ActionRun, eventually, processesNaming } from "./harness.ts";
import { type RemoteEngine, startRemoteEngine } from "./remote-engine.ts";

/** A fault of an engine of the test's own, which runs a whole cluster. */
function onEngine(
  row: Omit<Fault, "area">,
  body: (subject: Subject & { readonly engine: RemoteEngine; readonly run: ActionRun }) => Promise<void>,
): void {
  fault({ area: "Docker", ...row }, async (subject) => {
    const run = await subject.prepare();
    const engine = await startRemoteEngine((await raiseBedFor(undefined, console.error)).official);
    try {
      await body({ ...subject, engine, run });
      for (const kind of ["container", "volume"]) {
        const all = kind === "container" ? ["--all"] : [];
        assert.equal(await engine.docker(kind, "ls", ...all, "--quiet"), "", `a ${kind} is left`);
      }
    } finally {
      await run.post({ environment: engine.environment });
      await engine.end();
    }
  });
}

const SECONDS_AWAY = 3;

/** Kills the engine, begins what is to meet that, and starts the engine again some seconds later. */
async function interrupt<T>(engine: RemoteEngine, begin: () => Promise<T>): Promise<T> {
  await engine.kill();
  const begun = begin();
  await new Promise((resolve) => setTimeout(resolve, SECONDS_AWAY * 1000));
  await engine.restart();
  return await begun;
}

const nothing = async () => undefined;

/** Waits until a program of the run is at work. */
async function isRunning(run: ActionRun, words: string): Promise<void> {
  const mark = `${run.folders.temp}/kind-torch-`;
  const runs = async () => (await processesNaming(mark)).some((line) => line.includes(words));
  await eventually(`${words} runs`, runs, 180, 50);
}

const succeeded = (result: StepResult) => {
  assert.equal(result.exitCode, 0, logOf(result));
  assert.doesNotMatch(logOf(result), /^::error/m);
};

onEngine(
  {
    cause: "Docker Engine is killed, and runs again 3 s later",
    when: "while the node image is pulled, while kubeadm runs, and when post begins",
    sees: "lines of the log: it is waited for; the pull is tried again, and so is the cluster; post removes it",
    seconds: 420,
    skip: WITHOUT_ROOT,
  },
  async ({ engine, run }) => {
    const { environment } = engine;
    const main = run.main({ environment });
    const faults = (async () => {
      await isRunning(run, " pull ");
      await interrupt(engine, nothing);
      await isRunning(run, "kubeadm init");
      await interrupt(engine, nothing);
    })();
    const [result] = await Promise.all([main, faults]);
    succeeded(result);
    assert.match(logOf(result), /Docker Engine does not answer: waiting for it, at most 60 s/);
    assert.match(logOf(result), /Try 1 of 2 failed/);
    const post = await interrupt(engine, () => run.post({ environment }));
    assert.match(logOf(post), /Docker Engine does not answer: waiting for it[\s\S]*Deleted /);
    assert.doesNotMatch(logOf(post), /^::(?:warning|error)/m);
  },
);

onEngine(
  {
    cause: "the network kind has no IPv6 and a foreign subnet (198.18.7.0/24)",
    when: "during the whole step",
    sees: "nothing: the step succeeds",
    seconds: 300,
    skip: WITHOUT_ROOT,
    long: true,
  },
  async ({ engine, run }) => {
    const { environment } = engine;
    await engine.docker("network", "create", "--subnet=198.18.7.0/24", "kind");
    succeeded(await run.main({ environment }));
    await run.post({ environment });
  },
);
