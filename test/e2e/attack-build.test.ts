// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of compose and of buildx are written in text.
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { before, type TestContext, test } from "node:test";
import fc from "fast-check";
import type { Problem } from "../../src/errors.ts";
import { createExec } from "../../src/exec.ts";
import type { CheckedComponent } from "../../src/torch/checkout/checkout.ts";
import { fetchCheckout } from "../../src/torch/checkout/fetch.ts";
import { planLayout } from "../../src/torch/checkout/layout.ts";
import { readCheckout } from "../../src/torch/checkout/read.ts";
import { COMPONENTS } from "../../src/torch/components.ts";
import { findBuilder } from "../../src/torch/stack/builder.ts";
import { buildImage } from "../../src/torch/stack/images.ts";
import { type Machine, prepareMachine, sh } from "./harness.ts";
import { DOCKER, placeTorch } from "./torch.ts";

let machine: Machine;
before(async () => {
  machine = await prepareMachine();
});

const COMPOSE = `${DOCKER}/docker-compose-torch-dashboard-solver.yaml`;
const LAYOUT = planLayout("simple-server-and-georef", {
  folders: { dashboard: undefined, engine: undefined, services: undefined },
  exampleFolder: undefined,
  plans: undefined,
});

/** A folder whose programs, if one runs, write the environment that they see to `ran`. */
async function makePlace(context: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-attack-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const ran = join(folder, "ran");
  const place = async (path: string, text: string) => {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
    return join(folder, path);
  };
  const program = async (path: string, rest = "") => {
    const file = await place(path, `#!/bin/sh\nenv >> ${ran}\nprintf '%s\\n' "$0" "$@" >> ${ran}\n${rest}\n`);
    await chmod(file, 0o755);
    return file;
  };
  const wasRun = () =>
    stat(ran).then(
      () => true,
      () => false,
    );
  return { folder, ran, place, program, wasRun, run: createExec(join(folder, "run")) };
}

/** Sets variables of the step for the duration of a test. */
function setEnvironment(context: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const old = process.env[name];
    process.env[name] = value;
    context.after(() => {
      if (old === undefined) delete process.env[name];
      else process.env[name] = old;
    });
  }
}

let images = 0;

/** Builds a folder with a Dockerfile. @returns the environment of the image. */
async function buildFolder(
  context: TestContext,
  place: Awaited<ReturnType<typeof makePlace>>,
  dockerfile: string,
  args: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, string>> {
  images += 1;
  const image = `kind-torch-attack:${process.pid}-${images}`;
  const file = await place.place("context/Dockerfile", dockerfile);
  const builder = await findBuilder({}, place.run);
  assert.ok("exportsCache" in builder);
  context.after(() => sh("docker", ["image", "rm", "--force", image]));
  const build = { context: join(place.folder, "context"), dockerfile: file, args, target: undefined };
  await buildImage({ component: COMPONENTS.dashboard, build, image }, builder, {
    exec: place.run,
    debug: () => undefined,
    say: () => undefined,
    runDirectory: place.folder,
    signal: AbortSignal.timeout(120_000),
  });
  const variables: unknown = JSON.parse(
    await sh("docker", ["image", "inspect", "--format={{json .Config.Env}}", image]),
  );
  assert.ok(Array.isArray(variables));
  return new Map(
    variables.map((line) => {
      const [name = "", ...value] = String(line).split("=");
      return [name, value.join("=")];
    }),
  );
}

/** Passes each argument on to the image as a variable of another name. */
function passOn(names: readonly string[]): string {
  const lines = names.flatMap((name) => [`ARG ${name}`, `ENV GOT_${name}="$${name}"`]);
  return ["FROM scratch", ...lines, ""].join("\n");
}

test("no build argument is in docker's environment or in the list of processes", async (context) => {
  const place = await makePlace(context);
  await place.program("evil/docker");
  // A wrapper that records how docker is called.
  const docker = await sh("sh", ["-c", "command -v docker"]);
  const seen = join(place.folder, "seen");
  await place.place("bin/docker", `#!/bin/sh\nenv >> ${seen}\nprintf '%s\\n' "$@" >> ${seen}\nexec ${docker} "$@"\n`);
  await chmod(join(place.folder, "bin/docker"), 0o755);
  setEnvironment(context, { PATH: `${join(place.folder, "bin")}${delimiter}${process.env.PATH}` });
  const args: Readonly<Record<string, string>> = {
    PATH: join(place.folder, "evil"),
    LD_PRELOAD: join(place.folder, "evil.so"),
    DOCKER_CONFIG: join(place.folder, "evil"),
    DOCKER_HOST: "tcp://127.0.0.1:9",
    HOME: join(place.folder, "home"),
    HTTP_PROXY: "http://127.0.0.1:9",
    BUILDX_BUILDER: "none",
    BUILDX_BAKE_ENTITLEMENTS_FS: "nonsense",
    KIND_TORCH_RUN: join(place.folder, "another"),
    SECRET: "a-value-of-an-argument",
  };
  // A proxy is BuildKit's own argument: it is passed on, and left out of what an image keeps.
  const names = Object.keys(args).filter((name) => name !== "HTTP_PROXY");
  const got = await buildFolder(context, place, passOn(names), args);
  for (const name of names) assert.equal(got.get(`GOT_${name}`), args[name], name);
  assert.equal(await place.wasRun(), false, "a program of the checkout ran");
  const all = await readFile(seen, "utf8");
  assert.match(all, /^bake$/m);
  for (const value of ["evil", "a-value-of-an-argument", "127.0.0.1:9", "nonsense"])
    assert.ok(!all.includes(value), value);
});

test("an argument's text arrives as it is written", async (context) => {
  const place = await makePlace(context);
  const nasty = [
    "${FOO}",
    "$${FOO}",
    "$$",
    "%{if true}x%{endif}",
    "%%{",
    "\"quoted\" \\ 'single'",
    "two\nlines\r\n\r%%{",
    "\t\u0001\u007f\u0085\u2028",
    "\uFEFFmark",
    "ü 漢字 \u{1F600}",
    '${file("/etc/passwd")}',
    "",
    "$(id) `id`",
  ];
  // Composed, as a checkout is asked to write it; no argument holds a NUL.
  const random = fc.sample(fc.string({ unit: "binary", maxLength: 30 }), 60);
  const texts = [...nasty, ...random].map((text) => text.normalize("NFC").replaceAll("\0", ""));
  const args = Object.fromEntries(texts.map((text, index) => [`A${index}`, text]));
  const got = await buildFolder(context, place, passOn(Object.keys(args)), args);
  for (const [index, text] of texts.entries()) assert.equal(got.get(`GOT_A${index}`), text, JSON.stringify(text));
});

test("a variable of the job for bake does not change what is built", async (context) => {
  const place = await makePlace(context);
  setEnvironment(context, {
    BUILDX_BAKE_ENTITLEMENTS_FS: "1",
    BUILDX_BAKE_FILE: join(place.folder, "none.hcl"),
    BUILDX_BAKE_FILE_RELATIVE_PATHS: "1",
    BUILDX_BAKE_PATH_SEPARATOR: "/",
    BAKE_CMD_CONTEXT: "https://example.org/none.git",
    BAKE_LOCAL_PLATFORM: "plan9/mips",
    BAKE_ALLOW_REMOTE_FS_ACCESS: "nonsense",
  });
  const got = await buildFolder(context, place, passOn(["A"]), { A: "1" });
  assert.equal(got.get("GOT_A"), "1");
});

test("no program of a build context that looks like a git repository is run", async (context) => {
  const place = await makePlace(context);
  const program = await place.program("context/upload-pack");
  await place.place("context/HEAD", "ref: refs/heads/main\n");
  await place.place("context/objects/info/x", "");
  await place.place("context/refs/heads/main", `${"0123456789".repeat(4)}\n`);
  await place.place(
    "context/config",
    [
      "[core]",
      "repositoryformatversion = 1",
      "bare = false",
      "worktree = .",
      `fsmonitor = ${program}`,
      "[extensions]",
      "partialClone = origin",
      '[remote "origin"]',
      "url = ./none",
      "promisor = true",
      "uploadpack = ./upload-pack",
      "",
    ].join("\n"),
  );
  await buildFolder(context, place, passOn(["A"]), { A: "1" });
  assert.equal(await place.wasRun(), false);
});

test("a failed build shows the failing step, and one that never started shows its error", async (context) => {
  const place = await makePlace(context);
  const failing = async (dockerfile: string) => {
    try {
      await buildFolder(context, place, dockerfile, { A: "${" });
    } catch (error) {
      return error instanceof Error ? error.message.split("\n").slice(1).join("\n") : String(error);
    }
    return assert.fail("it was built");
  };
  const from = `FROM ${machine.probeImage}\n`;
  const run = await failing(`${from}RUN echo out; echo err >&2; exit 3\n`);
  assert.match(run, /^ > \[2\/2\] RUN echo out.*\n[\s\S]*\n-+\nDockerfile:2\n[\s\S]*ERROR: .*exit code: 3$/);
  // The two streams come in any order.
  for (const line of ["out", "err"]) assert.match(run, new RegExp(`^[\\d.]+ ${line}$`, "m"));
  assert.match(
    await failing(`${from}COPY nope /x\n`),
    /^ > \[2\/2\] COPY nope \/x:\n-+\nDockerfile:2\n[\s\S]*nope": not found$/,
  );
  const unknown = await failing(`${from}FOO bar\n`);
  assert.match(unknown, /Dockerfile:2\n[\s\S]*>>> FOO bar\n[\s\S]*ERROR: .*unknown instruction: FOO/);
  assert.doesNotMatch(unknown, /bake definitions|stdin/);
});

/** Reads a checkout whose dashboard has another compose file, and whose example has more files. */
async function readDashboard(
  context: TestContext,
  compose: string,
  files: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly dashboard: CheckedComponent } | { readonly problems: readonly Problem[] }> {
  const place = await makePlace(context);
  setEnvironment(context, environment);
  const root = join(place.folder, "torch");
  await placeTorch(root, { [COMPOSE]: () => compose });
  for (const [name, text] of Object.entries(files)) await place.place(join("torch", DOCKER, name), text);
  const read = await readCheckout(root, LAYOUT, place.run);
  return "checkout" in read ? { dashboard: read.checkout.components.dashboard } : read;
}

/** A compose file with one service, and what is said of it. */
const service = (lines: string) =>
  `services:\n  torch-dashboard:\n    image: edrudi97/torch-dashboard:v0.1.0\n    ports: ["8005:8000"]\n${lines}\n`;

/** What the runner and earlier steps leave in a step's environment. */
const JOB = {
  ACTIONS_RUNTIME_TOKEN: "runtime-token",
  GITHUB_TOKEN: "github-token",
  INPUT_PASSPHRASE: "an-input",
  AWS_SECRET_ACCESS_KEY: "cloud-key",
  DB_PASSWORD: "data$$base",
  VERSION: "1.2",
};

test("a compose file reads none of the runner's variables, wherever it asks", async (context) => {
  const cases: readonly (readonly [string, string])[] = [
    ["    environment: [GITHUB_TOKEN]", "GITHUB_TOKEN"],
    ["    environment: { X: 'a${GITHUB_TOKEN}b' }", "GITHUB_TOKEN"],
    ["    labels: { x: '${ACTIONS_RUNTIME_TOKEN}' }", "ACTIONS_RUNTIME_TOKEN"],
    ["    labels: { x: '${DB_PASSWORD}' }", "DB_PASSWORD"],
    ["    command: ['${INPUT_PASSPHRASE:-none}']", "INPUT_PASSPHRASE"],
    ["    build:\n      context: ../../../dashboard\n      args: [ACTIONS_RUNTIME_TOKEN]", "ACTIONS_RUNTIME_TOKEN"],
    ["    build:\n      context: ../../../dashboard\n      args: [AWS_SECRET_ACCESS_KEY]", "AWS_SECRET_ACCESS_KEY"],
    ["    build:\n      context: ../../../dashboard\n      args: { X: '${DB_PASSWORD}' }", "DB_PASSWORD"],
    ["    env_file: /proc/self/environ", "leads out of the checkout"],
    [`    env_file: /proc/${process.pid}/environ`, "leads out of the checkout"],
    ["    # hidden\u2028    env_file: /proc/self/environ", "line break"],
    ["    environment: { X: '${A}' }\n    env_file: [a.env]", "GITHUB_TOKEN"],
    ["    secrets: [s]\nsecrets:\n  s: { environment: GITHUB_TOKEN }", "GITHUB_TOKEN"],
  ];
  for (const [lines, name] of cases) {
    await context.test(lines.trim(), async (inner) => {
      const read = await readDashboard(inner, service(lines), { ".env": "A=1\n", "a.env": "B=${GITHUB_TOKEN}\n" }, JOB);
      assert.ok("problems" in read, "it was read");
      const [problem] = read.problems;
      assert.ok(problem !== undefined && read.problems.length === 1, JSON.stringify(read.problems));
      assert.equal(problem.value, COMPOSE);
      assert.ok(problem.reason.includes(name), problem.reason);
      const words = JSON.stringify(read.problems);
      for (const value of [...Object.values(JOB).slice(0, 5), "placeholder"]) assert.ok(!words.includes(value), words);
    });
  }
});

test("a compose file reads the variables that it may", async (context) => {
  const read = await readDashboard(
    context,
    service(
      "    environment: { P: '${DB_PASSWORD}', V: '${VERSION}', E: '${ONLY_FILE}', K: '${NO_KEY:-default}' }\n" +
        "    build:\n      context: ../../../dashboard\n      args: [VERSION, NOT_SET, ONLY_FILE]",
    ),
    { ".env": "ONLY_FILE=file\nVERSION=not-this\n" },
    JOB,
  );
  assert.ok("dashboard" in read, JSON.stringify(read));
  const { model, service: own, build } = read.dashboard;
  // Compose doubles each dollar, for it reads the model again.
  assert.deepEqual(model.services[own]?.environment, { P: "data$$$$base", V: "1.2", E: "file", K: "default" });
  assert.deepEqual(build.args, { VERSION: "1.2", ONLY_FILE: "file" });
});

test("a value that compose refuses is named by its variable", async (context) => {
  const read = await readDashboard(context, service("    mem_limit: '${GITHUB_TOKEN}'"), {}, JOB);
  assert.ok("problems" in read);
  const words = JSON.stringify(read.problems);
  assert.doesNotMatch(words, /github-token|placeholder/);
  assert.match(words, /\$\{GITHUB_TOKEN\}/);
});

test("a .env file starts no program through a file that is included from elsewhere", async (context) => {
  for (const remote of ["git@example.invalid:a/b.git", "https://example.invalid/a.git", "oci://example.invalid/a:1"]) {
    const place = await makePlace(context);
    const program = await place.program("evil");
    const read = await readDashboard(context, `include: ["${remote}"]\n${service("")}`, {
      ".env": `COMPOSE_EXPERIMENTAL_GIT_REMOTE=1\nGIT_SSH_COMMAND=${program}\nGIT_PROXY_COMMAND=${program}\n`,
    });
    assert.equal(await place.wasRun(), false, remote);
    assert.ok("problems" in read);
    assert.match(
      read.problems.map(({ reason }) => reason).join("\n"),
      /includes another one from outside the checkout/,
    );
  }
});

test("a hook in a fetched checkout is not run, whatever git's settings say", async (context) => {
  const place = await makePlace(context);
  const source = join(place.folder, "source");
  for (const hook of ["post-checkout", "reference-transaction", "fsmonitor"])
    await place.program(`source/.hooks/${hook}`);
  const git = (...args: readonly string[]) =>
    sh("git", ["-C", source, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", ".");
  await git("commit", "--quiet", "--message=one");
  const settings = await place.place("gitconfig", "[core]\nhooksPath = .hooks\nfsmonitor = .hooks/fsmonitor\n");
  setEnvironment(context, { GIT_CONFIG_GLOBAL: settings });
  const folder = join(place.folder, "checkout");
  const from = { url: `file://${source}`, ref: "main" };
  await fetchCheckout(from, folder, place.run, AbortSignal.timeout(60_000));
  assert.ok((await stat(join(folder, ".hooks/post-checkout"))).isFile());
  assert.equal(await place.wasRun(), false);
});
