import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { dockerLeftovers, type Machine, prepareMachine, prepareRun, sh, takeLock } from "./harness.ts";
import { runAfterwards } from "./host.ts";

describe("a machine whose inotify limits are too low", { skip: WITHOUT_ROOT }, () => {
  const limits = ["max_user_instances", "max_user_watches"] as const;
  const path = (name: string) => `/proc/sys/fs/inotify/${name}`;
  let restore: (() => Promise<void>) | undefined;
  const set = (name: string, value: string) =>
    sh(...asRoot("sysctl", ["--quiet", "--write", `fs.inotify.${name}=${value}`]));
  const lock = "/run/lock/kind-torch-test-inotify";
  let machine: Machine;
  let locked = false;
  before(async () => {
    machine = await prepareMachine();
    // Host-wide: nothing else that needs a cluster may run at the same time.
    await takeLock(lock);
    locked = true;
    const before = await Promise.all(limits.map((name) => readFile(path(name), "utf8")));
    const settings = limits.map((name, index) => `fs.inotify.${name}=${before[index]?.trim()}`);
    restore = runAfterwards("sysctl", ["--quiet", "--write", ...settings]);
  });
  after(async () => {
    await restore?.();
    if (locked) await rm(lock);
  });

  it("gets an error that names the limit and its input; with the defaults the cluster comes up", async () => {
    const cluster = "e2e-inotify";
    const inputs = { "cluster-name": cluster, workers: "0" };
    const left = { "inotify-max-user-watches": "0", "inotify-max-user-instances": "0" };
    await set("max_user_instances", "2");
    const starved = await prepareRun(machine, { ...inputs, ...left });
    const raised = await prepareRun(machine, inputs);
    try {
      const result = await starved.main();
      assert.equal(result.exitCode, 1);
      const error = result.log.filter((line) => line.startsWith("::error::")).join("\n");
      assert.match(error, /^::error::The host ran out of inotify resources/);
      assert.match(error, /fs\.inotify\.max_user_instances is 2/);
      assert.match(error, /inotify-max-user-instances: 512/);
      assert.match(result.summary, /inotify/);
      assert.equal(await sh("cat", [path("max_user_instances")]), "2", "0 leaves the limit alone");
      await starved.post({ inputs: { "job-status": "failure" } });
      assert.deepEqual(await dockerLeftovers(cluster), []);

      const healthy = await raised.main();
      assert.equal(healthy.exitCode, 0, healthy.log.join("\n"));
      assert.equal(await sh("cat", [path("max_user_instances")]), "512");
    } finally {
      await starved.post();
      await raised.post();
      await starved.dispose();
      await raised.dispose();
    }
  });

  it("leaves limits that are already higher unchanged", async () => {
    await set("max_user_watches", "600000");
    await set("max_user_instances", "600");
    const run = await prepareRun(machine, {
      "cluster-name": "e2e-limits",
      workers: "0",
      "node-image": `kindest/node:v1.28.15@sha256:${"0".repeat(64)}`,
    });
    const result = await run.main();
    await run.post();
    await run.dispose();
    // The image does not exist: the limits are set before it is used, and no cluster is needed.
    assert.equal(result.exitCode, 1);
    assert.match(result.log.join("\n"), /pulling kindest\/node/);
    assert.equal(await sh("cat", [path("max_user_watches")]), "600000");
    assert.equal(await sh("cat", [path("max_user_instances")]), "600");
  });
});
