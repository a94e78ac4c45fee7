import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { asRoot, WITHOUT_ROOT } from "../privileges.ts";
import { errorOf, expectStopped, fault, faultsAtOnce, logOf } from "./fault.ts";
import { processesNaming, sh } from "./harness.ts";
import { INSTALL_ONLY, send, startMirror, TOOL } from "./mirror.ts";
import { mountMemory, startWith, stopWhen, type Variables } from "./step.ts";

const AREA = "The runner";
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** What the runner's files get before anything else. */
const EARLY = "before anything is downloaded";
const STOPPED = "an error that the step was stopped, with the signal; its programs have ended";

/** A step that only installs kind and kubectl, with the runner's variables changed. */
function withVariables(
  row: { readonly cause: string; readonly sees: string; readonly skip?: string | false },
  change: (folder: string) => Promise<Variables>,
  check: (log: string, error: () => string) => void,
): void {
  const early = row.sees.endsWith(EARLY);
  const when = early ? "when the step begins" : "while the step publishes";
  fault({ area: AREA, when, seconds: 30, ...row }, async ({ prepare }) => {
    const run = await prepare(INSTALL_ONLY);
    const mirror = await startMirror({ kind: [send(TOOL)] });
    const folder = join(run.folders.workspace, "runner");
    await mkdir(folder);
    try {
      const result = await mirror.install(run, { start: startWith(await change(folder)) });
      check(logOf(result), () => errorOf(result));
      if (early) assert.deepEqual(mirror.asked, [], "something was downloaded");
      if (!logOf(result).includes("::error")) assert.equal(result.exitCode, 0, logOf(result));
    } finally {
      mirror.close();
      await sh(...asRoot("umount", ["--quiet", join(folder, "mounted")])).catch(() => undefined);
    }
  });
}

faultsAtOnce("the runner's files", () => {
  for (const variable of ["GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_ENV"]) {
    withVariables(
      { cause: `the file of ${variable} is missing`, sees: `an error that names it, ${EARLY}` },
      async (folder) => ({ [variable]: join(folder, "missing") }),
      (_, error) => assert.match(error(), new RegExp(`${variable} .*/missing`)),
    );
  }
  withVariables(
    { cause: "GITHUB_OUTPUT is a folder", sees: `an error that names it, ${EARLY}` },
    async (folder) => ({ GITHUB_OUTPUT: folder }),
    (_, error) => assert.match(error(), /GITHUB_OUTPUT .*\/runner/),
  );
  withVariables(
    {
      cause: "the file of GITHUB_OUTPUT is read-only",
      sees: `an error that names it, ${EARLY}`,
      skip: WITHOUT_ROOT,
    },
    async (folder) => {
      await mountMemory(join(folder, "mounted"), "size=64k,mode=777");
      await writeFile(join(folder, "mounted/output"), "");
      await sh(...asRoot("mount", ["-o", "remount,ro", join(folder, "mounted")]));
      return { GITHUB_OUTPUT: join(folder, "mounted/output") };
    },
    (_, error) => assert.match(error(), /GITHUB_OUTPUT .*read-only/),
  );
  withVariables(
    {
      cause: "the disk of GITHUB_OUTPUT is full",
      sees: "an error that names it, and that there is no space",
      skip: WITHOUT_ROOT,
    },
    async (folder) => {
      await mountMemory(join(folder, "mounted"), "size=4k,mode=777");
      await writeFile(join(folder, "mounted/output"), "");
      await writeFile(join(folder, "mounted/full"), Buffer.alloc(4096));
      return { GITHUB_OUTPUT: join(folder, "mounted/output") };
    },
    (_, error) => assert.match(error(), /GITHUB_OUTPUT .*no space left/),
  );
  withVariables(
    { cause: "GITHUB_STATE is missing", sees: `an error that names it, ${EARLY}` },
    async (folder) => ({ GITHUB_STATE: join(folder, "missing") }),
    (_, error) => assert.match(error(), /GITHUB_STATE .*\/missing/),
  );
  for (const [cause, value] of [
    ["there is no summary file", undefined],
    ["the summary file is a folder", "."],
    ["the summary file is missing", "missing"],
  ] as const) {
    withVariables(
      { cause, sees: "nothing: the log has what the summary would have" },
      async (folder) => ({ GITHUB_STEP_SUMMARY: value === undefined ? undefined : join(folder, value) }),
      (log) => assert.match(log, /kubectl {2}1\.31\.2/),
    );
  }
  fault(
    {
      area: AREA,
      cause: "RUNNER_TOOL_CACHE is not set",
      when: "while kind is downloaded",
      sees: "a warning: the tools are not kept for later runs",
      seconds: 30,
    },
    async ({ prepare }) => {
      const run = await prepare(INSTALL_ONLY);
      const mirror = await startMirror({ kind: [send(TOOL)] });
      try {
        const result = await mirror.install(run, { start: startWith({ RUNNER_TOOL_CACHE: undefined }) });
        assert.equal(result.exitCode, 0, logOf(result));
        assert.match(logOf(result), /::warning::kind 0\.25\.0 cannot be kept .*RUNNER_TOOL_CACHE is not set/);
      } finally {
        mirror.close();
      }
    },
  );
  fault(
    {
      area: AREA,
      cause: "RUNNER_TEMP names a folder that is not there",
      when: "when the step begins",
      sees: "an error that names the folder",
      seconds: 30,
    },
    async ({ prepare }) => {
      const run = await prepare(INSTALL_ONLY);
      const gone = join(run.folders.workspace, "gone");
      const mirror = await startMirror({ kind: [send(TOOL)] });
      try {
        const result = await mirror.install(run, { start: startWith({ RUNNER_TEMP: gone }) });
        assert.match(errorOf(result), new RegExp(`no such file or directory.*${gone}`));
      } finally {
        mirror.close();
      }
    },
  );
});

for (const signal of SIGNALS) {
  fault(
    { area: AREA, cause: signal, when: "while the machine is inspected", sees: STOPPED, seconds: 30 },
    async ({ prepare }) => {
      const run = await prepare();
      const socket = join(run.folders.workspace, "silent.sock");
      let asked = false;
      const engine = createServer(() => {
        asked = true;
      });
      await new Promise<void>((resolve) => engine.listen(socket, resolve));
      try {
        const environment = { DOCKER_HOST: `unix://${socket}` };
        expectStopped(await stopWhen(run, signal, async () => asked, { environment }), signal);
        assert.deepEqual(await processesNaming(socket), [], "docker still asks");
      } finally {
        engine.close();
      }
    },
  );
  fault(
    { area: AREA, cause: signal, when: "while kind is downloaded", sees: STOPPED, seconds: 60 },
    async ({ prepare }) => {
      const run = await prepare();
      const mirror = await startMirror({ kind: [() => undefined] });
      try {
        const folders = { ...run.folders, toolCache: join(run.folders.temp, "tool-cache") };
        const result = await stopWhen(run, signal, async () => mirror.asked.length > 0, {
          folders,
          inputs: { "kind-mirror": mirror.base },
        });
        expectStopped(result, signal);
      } finally {
        mirror.close();
      }
    },
  );
}

fault(
  { area: AREA, cause: "post without state", when: "after the job", sees: "nothing", seconds: 30 },
  async ({ prepare }) => {
    const run = await prepare();
    const post = await run.post();
    assert.deepEqual([post.exitCode, post.log], [0, []]);
  },
);

fault(
  {
    area: AREA,
    cause: "state with the path of a folder that is not a run's",
    when: "after the job",
    sees: "a warning; the folder is left alone",
    seconds: 30,
  },
  async ({ prepare }) => {
    const run = await prepare();
    const theirs = join(run.folders.temp, "theirs");
    await mkdir(theirs);
    await writeFile(join(theirs, "file"), "a user's");
    // None is a folder of the machine's own: what post does not refuse, it removes.
    for (const folder of [theirs, run.folders.temp, join(theirs, "kind-torch-c-00000000"), "kind-torch-c-00000000"]) {
      const post = await run.post({ state: { "run-directory": folder } });
      assert.equal(post.exitCode, 0);
      assert.match(logOf(post), /::warning::.*is not a folder of a run/);
    }
    assert.equal(await readFile(join(theirs, "file"), "utf8"), "a user's");
    await rm(theirs, { recursive: true });
    assert.deepEqual(await readdir(run.folders.workspace), []);
  },
);
