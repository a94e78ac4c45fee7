import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { WITHOUT_ROOT } from "../privileges.ts";
import { errorOf, type Fault, fault, faultsAtOnce, logOf } from "./fault.ts";
import { type ActionRun, sh } from "./harness.ts";
import { INSTALL_ONLY, type Mirror, send, startMirror, TOOL } from "./mirror.ts";
import { mountMemory, startWith, underUmask, type Variables } from "./step.ts";

const AREA = "The environment";
const NOTHING = "nothing: the step does not depend on it";

/** What a test of an installation looks at. */
interface Place {
  readonly run: ActionRun;
  readonly mirror: Mirror;
  /** A folder of the test's own. */
  readonly folder: string;
}

/** A fault in the environment of a step that installs kind and kubectl; the step succeeds. */
function installsWith(
  row: Omit<Fault, "area" | "when" | "sees" | "seconds"> & { readonly sees?: string },
  variables: (place: Place) => Promise<Variables>,
  check: (log: string, place: Place) => Promise<void> | void = () => undefined,
): void {
  fault(
    { area: AREA, when: "while kind and kubectl are installed", sees: NOTHING, seconds: 60, ...row },
    async ({ prepare }) => {
      const run = await prepare(INSTALL_ONLY);
      const mirror = await startMirror({ kind: [send(TOOL)] });
      const folder = join(run.folders.workspace, "environment");
      await mkdir(folder);
      try {
        const place = { run, mirror, folder };
        const plain = startWith(await variables(place));
        const start = row.cause.startsWith("umask") ? underUmask(0o77, plain) : plain;
        const result = await mirror.install(run, { start });
        assert.equal(result.exitCode, 0, logOf(result));
        await check(logOf(result), place);
      } finally {
        mirror.close();
        await sh("umount", ["--quiet", "--lazy", join(folder, "read-only")]).catch(() => undefined);
      }
    },
  );
}

/** A fault for which a step that creates a cluster is refused before it changes anything. */
function refusedWith(
  row: Omit<Fault, "area" | "when">,
  variables: (folder: string) => Promise<Variables>,
  error: RegExp,
): void {
  fault({ area: AREA, when: "when the step begins", ...row }, async ({ prepare }) => {
    const run = await prepare();
    const result = await run.main({ start: startWith(await variables(run.folders.workspace)) });
    assert.match(errorOf(result), error);
    assert.deepEqual(Object.keys(result.state), ["main"], "nothing was begun");
  });
}

/** Puts a program into a folder, which goes before what is in the PATH. A file that this process writes may be busy in another's start. */
async function program(folder: string, name: string, script: string): Promise<Variables> {
  const write = 'printf "#!/bin/sh\\n%s\\n" "$1" > "$2" && chmod 755 "$2"';
  await sh("sh", ["-c", write, "sh", script, join(folder, name)]);
  return { PATH: `${folder}:${process.env.PATH}` };
}

faultsAtOnce("the environment", () => {
  installsWith({ cause: "HOME is not set" }, async () => ({ HOME: undefined }));
  installsWith({ cause: "HOME names a folder that is not there" }, async ({ folder }) => ({
    HOME: join(folder, "missing"),
  }));
  installsWith({ cause: "HOME is read-only", skip: WITHOUT_ROOT }, async ({ folder }) => {
    await mountMemory(join(folder, "read-only"), "ro");
    return { HOME: join(folder, "read-only") };
  });
  installsWith({ cause: "TMPDIR names a folder that is not there" }, async ({ folder }) => ({
    TMPDIR: join(folder, "missing"),
  }));
  installsWith(
    { cause: "umask 077" },
    async () => ({}),
    async (_, { run }) => {
      const cached = join(run.folders.temp, "tool-cache/kind/0.25.0", process.arch, "kind");
      assert.equal((await stat(cached)).mode & 0o777, 0o755, "later runs of another user can take it");
    },
  );
  installsWith({ cause: "a locale that is not installed, and a time zone that does not exist" }, async () => ({
    LC_ALL: "tr_TR.ISO-8859-9",
    LANG: "xx_XX",
    TZ: "Nowhere/Nothing",
  }));
  installsWith({ cause: "PATH is not set" }, async () => ({ PATH: undefined }));
  installsWith(
    {
      cause: "another kind and another kubectl are first in PATH",
      sees: "a line of the log: they are not used, and never run",
    },
    async ({ folder }) => {
      await program(folder, "kind", `touch ${folder}/ran`);
      return await program(folder, "kubectl", `touch ${folder}/ran`);
    },
    async (log, { folder }) => {
      assert.match(log, /The kind in PATH \(\S+\) is another build or version; not used/);
      assert.deepEqual((await readdir(folder)).toSorted(), ["kind", "kubectl"]);
    },
  );
  refusedWith(
    {
      cause: "DOCKER_HOST names a socket that is not there",
      sees: "an error that Docker Engine does not answer",
      seconds: 60,
    },
    async (folder) => ({ DOCKER_HOST: `unix://${folder}/missing.sock` }),
    /Docker Engine" does not answer[\s\S]*missing\.sock[\s\S]*DOCKER_HOST/,
  );
  refusedWith(
    {
      cause: "DOCKER_HOST names a port on which nothing listens",
      sees: "an error that Docker Engine does not answer",
      seconds: 60,
    },
    async () => ({ DOCKER_HOST: "tcp://127.0.0.1:9" }),
    /Docker Engine" does not answer[\s\S]*127\.0\.0\.1:9[\s\S]*DOCKER_HOST/,
  );
  refusedWith(
    { cause: "DOCKER_HOST is not an address", sees: "an error with the value", seconds: 60 },
    async () => ({ DOCKER_HOST: "nonsense://x y" }),
    /Docker Engine" does not answer[\s\S]*DOCKER_HOST/,
  );
  refusedWith(
    { cause: "DOCKER_CONTEXT names a context that does not exist", sees: "an error with its name", seconds: 60 },
    async () => ({ DOCKER_CONTEXT: "nowhere", DOCKER_HOST: undefined }),
    /Docker Engine" does not answer[\s\S]*nowhere/,
  );
  refusedWith(
    { cause: "there is no docker in PATH", sees: "an error that Docker Engine is not installed", seconds: 60 },
    async (folder) => ({ PATH: folder }),
    /Docker Engine" is not installed/,
  );
  refusedWith(
    {
      cause: "another program with docker's name is first in PATH",
      sees: "an error that Docker Engine does not answer, with what that program says",
      seconds: 60,
    },
    async (folder) => await program(folder, "docker", "echo this is a wrapper"),
    /Docker Engine" does not answer[\s\S]*this is a wrapper/,
  );
  fault(
    {
      area: AREA,
      cause: "DOCKER_HOST names an engine that takes connections and never answers",
      when: "when the step begins",
      sees: "an error that Docker Engine timed out",
      seconds: 120,
    },
    async ({ prepare }) => {
      const silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const { port }: AddressInfo = Object(silent.address());
      try {
        const run = await prepare();
        const result = await run.main({ environment: { DOCKER_HOST: `tcp://127.0.0.1:${port}` } });
        assert.match(errorOf(result), /Docker Engine" does not answer[\s\S]*timed out after 30 s/);
      } finally {
        silent.close();
      }
    },
  );
});

async function brokenConfiguration(folder: string): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, "config.json"), "{broken");
  return folder;
}

/** A fault that a step with a whole cluster goes past. */
function createsWith(
  cause: string,
  variables: (run: ActionRun) => Promise<Variables>,
  check: (run: ActionRun) => Promise<void>,
) {
  fault({ area: AREA, cause, when: "during the whole step", sees: NOTHING, seconds: 240 }, async ({ prepare }) => {
    const run = await prepare({ wait: "0s" });
    const start = underUmask(0o77, startWith(await variables(run)));
    const result = await run.main({ start });
    assert.equal(result.exitCode, 0, logOf(result));
    await check(run);
    const post = await run.post({ start });
    assert.equal(post.exitCode, 0);
    assert.doesNotMatch(logOf(post), /::warning|::error/);
  });
}

createsWith(
  "the user's kubeconfig is read-only and locked, and a proxy is set that nothing answers at",
  async ({ folders }) => {
    const kube = join(folders.workspace, ".kube");
    await mkdir(kube);
    await writeFile(join(kube, "config"), "a user's", { mode: 0o400 });
    await writeFile(join(kube, "config.lock"), "");
    await chmod(kube, 0o500);
    const proxy = "http://127.0.0.1:9";
    const proxies = { HTTPS_PROXY: proxy, https_proxy: proxy, HTTP_PROXY: proxy, NO_PROXY: "", no_proxy: "" };
    return { HOME: folders.workspace, KUBECONFIG: join(kube, "config"), ...proxies };
  },
  async ({ folders }) => assert.equal(await readFile(join(folders.workspace, ".kube/config"), "utf8"), "a user's"),
);
createsWith(
  "neither HOME nor a TMPDIR that exists, a configuration of Docker's that is not JSON, umask 077, another locale and time zone",
  async ({ folders }) => ({
    DOCKER_CONFIG: await brokenConfiguration(join(folders.workspace, "docker")),
    HOME: undefined,
    TMPDIR: join(folders.workspace, "missing"),
    LC_ALL: "tr_TR.ISO-8859-9",
    TZ: "Asia/Kathmandu",
  }),
  async () => undefined,
);
