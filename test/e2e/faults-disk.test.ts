import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { errorOf, type Fault, fault, faultsAtOnce, logOf, type Subject } from "./fault.ts";
import { type ActionRun, sh } from "./harness.ts";
import { INSTALL_ONLY, type Mirror, send, startMirror, TOOL } from "./mirror.ts";
import { startAsNobody } from "./other-user.ts";
import { FULL_DISK_IMAGE, startSmallEngine } from "./small-engine.ts";
import { mountMemory, startWith } from "./step.ts";

/** What the test of a file system works with. */
interface Place extends Subject {
  readonly run: ActionRun;
  readonly mirror: Mirror;
  /** The file system. */
  readonly small: string;
}

/** A fault of a small file system, which is there while the test runs. */
function onDisk(
  row: Omit<Fault, "area" | "skip" | "seconds">,
  options: string,
  body: (place: Place) => Promise<void>,
): void {
  fault({ area: "Disk", seconds: 60, skip: WITHOUT_ROOT, ...row }, async (subject) => {
    const run = await subject.prepare(INSTALL_ONLY);
    const mirror = await startMirror({ kind: [send(TOOL)] });
    const small = join(run.folders.workspace, "../small");
    const unmount = await mountMemory(small, options);
    try {
      await body({ ...subject, run, mirror, small });
    } finally {
      mirror.close();
      await unmount();
    }
  });
}

const readOnly = (path: string) => sh(...asRoot("mount", ["-o", "remount,ro", path]));

/** Fills a file system with a file. */
async function fill(folder: string): Promise<void> {
  await sh("dd", ["if=/dev/zero", `of=${join(folder, "full")}`, "bs=4096", "status=none"]).catch(() => undefined);
}

const NOT_KEPT = "a warning: kind is not kept for later runs, and downloaded again by them";

faultsAtOnce("file systems", () => {
  onDisk(
    { cause: "RUNNER_TEMP is full", when: "while kind is downloaded", sees: "an error that names the full disk" },
    "size=128k,mode=777",
    async ({ run, mirror, small }) => {
      const folders = { ...run.folders, temp: small };
      const error = errorOf(await mirror.install(run, { folders }));
      assert.match(error, /no space left on device[\s\S]*Fix: free disk space in \S+\/small \(RUNNER_TEMP\)/);
      assert.ok(mirror.asked.length <= 1, "not tried again");
      assert.equal((await run.post({ folders })).exitCode, 0);
      assert.deepEqual(await readdir(small), ["_runner_file_commands"]);
    },
  );
  onDisk(
    {
      cause: "RUNNER_TEMP is full",
      when: "while kind is copied out of the tool cache",
      sees: "an error that names the full disk; kind is not called damaged",
    },
    "size=128k,mode=777",
    async ({ run, mirror, small }) => {
      const first = await mirror.install(run);
      assert.equal(first.exitCode, 0, logOf(first));
      assert.doesNotMatch(logOf(first), /cannot be kept/);
      await run.post();
      // The tool cache of the first run, which lies in its temporary folder.
      const folders = { ...run.folders, temp: small, toolCache: join(run.folders.temp, "tool-cache") };
      const result = await mirror.install(run, { folders });
      assert.match(errorOf(result), /no space left on device[\s\S]*Fix: free disk space in \S+\/small \(RUNNER_TEMP\)/);
      assert.doesNotMatch(logOf(result), /does not match/);
      assert.equal(mirror.asked.length, 1, "kind was not downloaded again");
      await run.post({ folders });
      assert.deepEqual(await readdir(small), ["_runner_file_commands"]);
    },
  );
  onDisk(
    { cause: "RUNNER_TEMP has no inodes", when: "when the run's folder is made", sees: "an error that says so" },
    // The root, the folder of the runner's files and that of the step, five files, and the run's folder.
    "size=8m,mode=777,nr_inodes=9",
    async ({ run, mirror, small }) => {
      const folders = { ...run.folders, temp: small };
      assert.match(errorOf(await mirror.install(run, { folders })), /no space left on device[\s\S]*Fix: .*inodes/);
      await run.post({ folders });
      assert.deepEqual(await readdir(small), ["_runner_file_commands"]);
    },
  );
  onDisk(
    {
      cause: "RUNNER_TEMP is read-only",
      when: "when the run's folder is made",
      sees: "an error that names the folder",
    },
    "size=64k,mode=777",
    async ({ run, mirror, small }) => {
      await readOnly(small);
      const start = startWith({ RUNNER_TEMP: small });
      assert.match(
        errorOf(await mirror.install(run, { start })),
        /read-only file system.*\/small\/kind-torch-[\s\S]*Fix: /,
      );
      const post = await run.post({ start });
      assert.equal(post.exitCode, 0);
    },
  );
  onDisk(
    { cause: "the tool cache is full", when: "when kind is put into it", sees: NOT_KEPT },
    "size=64k,mode=777",
    async ({ run, mirror, small }) => {
      await fill(small);
      const result = await mirror.install(run, { folders: { toolCache: small } });
      assert.equal(result.exitCode, 0, logOf(result));
      assert.match(logOf(result), /::warning::kind \S+ cannot be kept in the tool cache: .*no space[\s\S]*Fix: /);
      assert.deepEqual(
        (await readdir(small)).filter((name) => name !== "full" && name !== "kind" && name !== "kubectl"),
        [],
      );
    },
  );
  onDisk(
    { cause: "the tool cache is read-only", when: "when kind is put into it", sees: NOT_KEPT },
    "size=64k,mode=777",
    async ({ run, mirror, small }) => {
      await readOnly(small);
      const result = await mirror.install(run, { folders: { toolCache: small } });
      assert.equal(result.exitCode, 0, logOf(result));
      assert.match(logOf(result), /::warning::kind \S+ cannot be kept in the tool cache: .*read-only[\s\S]*Fix: /);
    },
  );
  onDisk(
    { cause: "the tool cache belongs to another user", when: "when kind is put into it", sees: NOT_KEPT },
    "size=300m,mode=777",
    async ({ run, mirror, small }) => {
      const start = await startAsNobody(run, small);
      const toolCache = join(small, "tool-cache");
      await mkdir(toolCache, { mode: 0o755 });
      const result = await mirror.install(run, { start, folders: { toolCache } });
      assert.equal(result.exitCode, 0, logOf(result));
      assert.match(
        logOf(result),
        /::warning::kind \S+ cannot be kept in the tool cache: .*permission denied[\s\S]*Fix: /,
      );
      assert.deepEqual(await readdir(toolCache), []);
    },
  );
  onDisk(
    {
      cause: "the workspace is read-only, with a credentials-directory in it",
      when: "when that folder is made",
      sees: "an error that names the folder",
    },
    "size=64k,mode=777",
    async ({ prepare, small }) => {
      await readOnly(small);
      const run = await prepare({ "credentials-directory": "credentials" });
      const folders = { ...run.folders, workspace: small };
      assert.match(errorOf(await run.main({ folders })), /read-only file system.*\/small\/credentials[\s\S]*Fix: /);
      await run.post({ folders });
    },
  );
  fault(
    {
      area: "Disk",
      cause: "a damaged kind in the tool cache",
      when: "when it is looked for",
      sees: "nothing: it is downloaded again",
      seconds: 60,
    },
    async ({ prepare }) => {
      const run = await prepare(INSTALL_ONLY);
      const mirror = await startMirror({ kind: [send(TOOL)] });
      try {
        await mirror.install(run);
        await run.post();
        const cached = join(run.folders.temp, "tool-cache/kind/0.25.0", process.arch, "kind");
        await writeFile(cached, TOOL.subarray(0, 1000));
        const result = await mirror.install(run);
        assert.equal(result.exitCode, 0, logOf(result));
        assert.match(logOf(result), /The cached kind 0\.25\.0 does not match the catalog's checksum/);
        assert.equal(mirror.asked.length, 2);
        await run.post();
      } finally {
        mirror.close();
      }
    },
  );
});

fault(
  {
    area: "Disk",
    cause: "Docker's disk gets full",
    when: "while the node image is pulled",
    sees: "an error that says so, at once and with the fix",
    seconds: 60,
    skip: WITHOUT_ROOT,
  },
  async ({ prepare }) => {
    const run = await prepare({ "node-image": FULL_DISK_IMAGE });
    const engine = await startSmallEngine();
    try {
      const environment = { DOCKER_HOST: engine.host };
      const result = await run.main({ environment });
      assert.match(errorOf(result), /no space left on device[\s\S]*Fix: free disk space/);
      assert.doesNotMatch(logOf(result), /trying again/);
      assert.equal((await run.post({ environment })).exitCode, 0);
    } finally {
      await engine.end();
    }
  },
);
