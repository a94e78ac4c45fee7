import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { StepResult } from "../../scripts/local/runner.ts";
import { PREFIX, prepareRuns } from "../many/runs.ts";
import { findDifferences, readMachine } from "../many/state.ts";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { errorOf, logOf } from "./fault.ts";
import { type ActionRun, type Machine, prepareMachine, prepareRun, sh } from "./harness.ts";
import { dockerObjects, findLeft } from "./left.ts";
import { makeStrangers, type Strangers } from "./strangers.ts";

/** How many runs one after the other; `npm run many` does more. */
const RUNS = 3;

describe("many steps on one machine", () => {
  let machine: Machine;
  let strangers: Strangers;
  before(async () => {
    machine = await prepareMachine();
    strangers = await makeStrangers(machine, PREFIX);
  });
  after(() => strangers.remove());

  it("four at the same time with one empty tool cache, and a fifth with the name of the fourth: four clusters answer, one step is refused; after the posts nothing is left", async () => {
    const objects = await dockerObjects();
    const shared = await mkdtemp(join(tmpdir(), "kind-torch-many-"));
    const toolCache = join(shared, "tools");
    await mkdir(toolCache);
    const names = ["one", "two", "three", "four", "four"].map((name) => `${PREFIX}-${name}`);
    const runs = await Promise.all(names.map((name) => prepareRun(machine, { "cluster-name": name, workers: "0" })));
    const cached = (run: ActionRun) => ({ folders: { ...run.folders, toolCache } });
    try {
      const results = await Promise.all(
        runs.map(async (run) => {
          const result = await run.main(cached(run));
          // As its job ends there, while the others still create theirs.
          if (result.exitCode !== 0) await expectQuietPost(run);
          return result;
        }),
      );
      const losers = results.filter(({ exitCode }) => exitCode !== 0);
      assert.equal(losers.length, 1, losers.map(logOf).join("\n\n"));
      expectRefusal(losers[0] ?? assert.fail("no loser"), names[3] ?? "");
      const winners = runs.filter((_, index) => results[index]?.exitCode === 0);
      const kept = results.filter(({ exitCode }) => exitCode === 0);
      assert.deepEqual(kept.map(({ outputs }) => outputs["cluster-name"]).toSorted(), names.slice(0, 4).toSorted());
      for (const result of kept) await expectAnswer(result);
      assert.deepEqual((await readdir(toolCache)).toSorted(), ["kind", "kubectl"], "each tool is there, once");
      await strangers.expectUntouched();
      await Promise.all(winners.map(expectQuietPost));
      for (const [index, run] of runs.entries()) assert.deepEqual(await findLeft(run, names[index] ?? "", objects), []);
      await strangers.expectUntouched();
    } finally {
      for (const run of runs) {
        await run.post();
        await run.dispose();
      }
      await rm(shared, { recursive: true });
    }
  });

  it(`${RUNS} one after the other: disk, networks, volumes, rules, mounts, processes and folders are where they were`, async () => {
    const runs = await prepareRuns(machine);
    try {
      // The first one leaves what stays: images, tools, kind's network.
      await runs.next();
      const then = await readMachine(PREFIX, runs.places);
      for (let run = 0; run < RUNS; run += 1) await runs.next();
      assert.deepEqual(findDifferences(then, await readMachine(PREFIX, runs.places)), []);
    } finally {
      await runs.dispose();
    }
    await strangers.expectUntouched();
  });

  it("what is left on a machine is noticed: a network with its rules, a volume, a file, a mount, a program", {
    skip: WITHOUT_ROOT,
  }, async () => {
    const root = await mkdtemp(join(tmpdir(), "kind-torch-many-"));
    const places = { temp: join(root, "temp"), system: join(root, "system") };
    for (const folder of Object.values(places)) await mkdir(folder);
    const then = await readMachine(PREFIX, places);
    const name = `${PREFIX}-left`;
    try {
      await sh("docker", ["network", "create", name]);
      await sh("docker", ["volume", "create", name]);
      await sh("docker", ["create", "--name", name, machine.probeImage]);
      await writeFile(join(places.temp, "left"), "");
      await sh(...asRoot("mount", ["-t", "tmpfs", "tmpfs", places.system]));
      const found = findDifferences(then, await readMachine(PREFIX, places)).join("\n");
      for (const words of [
        /^Docker: networks: \w+ many-left is left$/m,
        /^Docker: volumes: many-left is left$/m,
        /^Docker: containers: \w+ many-left is left$/m,
        /^Docker: disk use .*: Containers: .* is left$/m,
        /^iptables rules and chains: -A .* is left$/m,
        /^network interfaces: br-\w+ is left$/m,
        /^mounts: .*system is left$/m,
        /^RUNNER_TEMP: left is left$/m,
      ]) {
        assert.match(found, words);
      }
    } finally {
      await sh(...asRoot("umount", [places.system])).catch(() => undefined);
      await sh("docker", ["rm", "--force", name]);
      await sh("docker", ["network", "rm", name]);
      await sh("docker", ["volume", "rm", name]);
    }
    assert.deepEqual(findDifferences(then, await readMachine(PREFIX, { ...places })), ["RUNNER_TEMP: left is left"]);
    await rm(root, { recursive: true });
  });

  /** Post has nothing to say, and ends well. */
  async function expectQuietPost(run: ActionRun): Promise<void> {
    const post = await run.post({ inputs: { "job-status": "failure", logs: "never" } });
    assert.equal(post.exitCode, 0, logOf(post));
    assert.deepEqual(
      post.log.filter((line) => /^::(?:error|warning)::/.test(line)),
      [],
    );
  }

  function expectRefusal(result: StepResult, name: string): void {
    const error = errorOf(result);
    assert.match(error, /created a (?:cluster of this name|container with the name of a node)|exists already/);
    assert.ok(error.includes(name), error);
  }

  /** The cluster answers its admin and the user. */
  async function expectAnswer({ outputs }: StepResult): Promise<void> {
    const kubectl = outputs["kubectl-path"] ?? assert.fail("no kubectl");
    const ask = (kubeconfig: string | undefined, ...args: readonly string[]) =>
      sh(kubectl, [`--kubeconfig=${kubeconfig}`, ...args]);
    assert.equal(await ask(outputs.kubeconfig, "get", "--raw", "/readyz"), "ok");
    const nodes = await ask(outputs.kubeconfig, "get", "nodes", "--output=name");
    assert.equal(nodes, `node/${outputs["cluster-name"]}-control-plane`);
    assert.match(await ask(outputs["user-kubeconfig"], "auth", "whoami"), /torch/);
  }
});
