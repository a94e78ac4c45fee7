import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { cacheFolder } from "../../testbed/cache.ts";
import { CGROUP } from "../../testbed/hosted/layout.ts";
import { withHostedMachine } from "../../testbed/hosted/machine.ts";
import { runHosted } from "../../testbed/hosted/run.ts";
import { isOfficial } from "../../testbed/machine.ts";
import { eventually, processesNaming, sh } from "./harness.ts";

const skip = (await isOfficial()) && "the official images can be pulled here, so that this machine is one of those";

/** What a hosted machine has its own copy of, and must not change on this machine. */
async function observe(): Promise<Readonly<Record<string, unknown>>> {
  const files = ["/etc/hosts", "/etc/resolv.conf", "/etc/passwd", "/etc/group", "/etc/shadow"];
  files.push("/etc/ssl/certs/ca-certificates.crt");
  const contents = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return {
    ...Object.fromEntries(files.map((file, index) => [file, contents[index]])),
    sudoers: await readdir("/etc/sudoers.d"),
    // Docker's own entries in /run, for other containers, come and go.
    mounts: (await readFile("/proc/self/mounts", "utf8")).match(/^.* \/(?:home|etc|tmp|run(?!\/docker))\b.*$/gm),
    groups: await sh("find", ["/sys/fs/cgroup", "-maxdepth", "2", "-name", CGROUP]),
  };
}

/** Where hosted machines keep their files on this machine. */
async function findFolders(): Promise<readonly string[]> {
  return (await readdir(cacheFolder())).filter((name) => name.startsWith("hosted-"));
}

/** `e2e.yml` as GitHub's machines would run it: not as root, with the official hosts and none of the test environment's inputs. */
describe("on a machine like GitHub's", { skip }, () => {
  let around: Readonly<Record<string, unknown>>;
  let exitCode: number | null;
  const lines: string[] = [];
  const job = ["e2e.yml", "--job=cluster", "--matrix=kubernetes:1.28", "--matrix=nodes:1"];
  before(async () => {
    around = await observe();
    exitCode = await runHosted({
      scripts: [["testbed/hosted/describe.ts"], ["test/e2e/act/job.ts", ...job]],
      catalog: "bed",
      kubernetes: ["1.28"],
      log: console.error,
      onLine: (line) => lines.push(line),
    });
  });

  it("the user is not root, can become root, and gets images from Docker Hub by its name", () => {
    const described = lines.find((line) => line.startsWith('{"uid"')) ?? assert.fail(lines.join("\n"));
    const { storage, ...machine } = JSON.parse(described);
    assert.doesNotMatch(storage, /containerd/);
    assert.deepEqual(machine, {
      uid: 1001,
      sudo: "0",
      groups: ["docker", "runner"],
      mirrors: "0",
      nameServers: ["127.0.0.53"],
      official: true,
    });
  });

  it("a job of e2e.yml succeeds with the official names alone", () => {
    const log = lines.join("\n");
    assert.equal(exitCode, 0, log);
    assert.match(log, /kind \S+ downloaded from https:\/\/kind\.sigs\.k8s\.io\/dl\/.*verified against the catalog/);
    assert.match(log, /kubectl \S+ downloaded from https:\/\/dl\.k8s\.io\/release\/.*verified against the catalog/);
    assert.match(log, /Success - Main The user's credentials are accepted/);
    assert.match(log, /Nothing is left\./);
  });

  it("the machine around it is as it was", async () => {
    assert.deepEqual(await observe(), around);
    assert.deepEqual(await findFolders(), []);
  });

  it("ends with the process that holds it, even by SIGKILL, and the next one removes what is left on the disk", async () => {
    const module = JSON.stringify(import.meta.resolve("../../testbed/hosted/machine.ts"));
    const script = `const { withHostedMachine } = await import(${module});
      await withHostedMachine(() => undefined, (machine) => { console.log(machine.home); return new Promise(() => setInterval(() => undefined, 1000)); });`;
    const holder = spawn(process.execPath, ["--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [home] = await once(holder.stdout, "data");
    const folder = join(String(home).trim(), "../..");
    assert.notDeepEqual(await processesNaming(folder), []);
    holder.kill("SIGKILL");
    await eventually("nothing of it runs", async () => (await processesNaming(folder)).length === 0);
    assert.ok(folder.startsWith(join(cacheFolder(), "hosted-")), folder);
    await stat(folder);
    await withHostedMachine(console.error, async () => undefined);
    assert.deepEqual(await observe(), around);
    assert.deepEqual(await findFolders(), []);
  });
});

describe("on a machine whose Docker keeps images in containerd's store", { skip }, () => {
  it("the whole step loads images, also one of two platforms with attestations", async () => {
    const lines: string[] = [];
    const filter = ["--test", "--test-reporter=tap", "--test-name-pattern=Kubernetes 1.28"];
    const exitCode = await runHosted({
      scripts: [["testbed/hosted/describe.ts"], [...filter, "test/e2e/load-images.test.ts"]],
      catalog: "bed",
      kubernetes: ["1.28"],
      imageStore: "containerd",
      log: console.error,
      onLine: (line) => lines.push(line),
    });
    const log = lines.join("\n");
    assert.equal(exitCode, 0, log);
    assert.match(log, /"storage":".*io\.containerd\.snapshotter/);
    assert.match(log, /^# pass 4$/m);
    assert.match(log, /^# skipped 0$/m);
  });
});
