// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of compose are written in text.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../../../src/errors.ts";
import { createExec } from "../../../../src/exec.ts";
import { fetchCheckout } from "../../../../src/torch/checkout/fetch.ts";
import { planLayout } from "../../../../src/torch/checkout/layout.ts";
import { readCheckout } from "../../../../src/torch/checkout/read.ts";
import { checkReferences, listReferences } from "../../../../src/torch/checkout/references.ts";
import { errorOf, makeFolder, only, refusingAddress, serve } from "../../builders.ts";

const SIGNAL = AbortSignal.timeout(60_000);
const LAYOUT = planLayout("simple", {
  folders: { dashboard: undefined, engine: undefined, services: undefined },
  exampleFolder: undefined,
  plans: undefined,
});

const git = (folder: string, ...args: readonly string[]) =>
  execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
    encoding: "utf8",
  }).trim();

/** A real repository with one commit. */
async function makeRepository(context: TestContext) {
  const folder = await makeFolder(context);
  const source = join(folder, "source");
  await mkdir(source);
  git(source, "init", "--quiet", "--initial-branch=main");
  await writeFile(join(source, "a.txt"), "one");
  git(source, "add", ".");
  git(source, "commit", "--quiet", "-m", "one");
  const fetch = (url: string, ref?: string) =>
    fetchCheckout({ kind: "git", url }, ref, join(folder, "checkout"), createExec(folder), SIGNAL);
  return { folder, url: `file://${source}`, commit: git(source, "rev-parse", "HEAD"), fetch };
}

test("a branch, a full hash, or the default branch is fetched", async (context) => {
  const { folder, url, commit, fetch } = await makeRepository(context);
  for (const ref of [undefined, "main", commit]) {
    await fetch(url, ref);
    assert.equal(await readFile(join(folder, "checkout/a.txt"), "utf8"), "one", ref);
  }
});

test("what git refuses is told with what to do about it", async (context) => {
  const { url, commit, fetch } = await makeRepository(context);
  const page = await serve(
    context,
    (_, response) => void response.writeHead(200).end("<!DOCTYPE html>\n<html>\nSign in\n</html>\n"),
  );
  const locked = await serve(context, (_, response) => {
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
  });
  const cases: readonly (readonly [string, string | undefined, RegExp])[] = [
    [url, commit.slice(0, 8), /full hash.*torch-ref.*does not know [0-9a-f]{8} by its first characters/],
    [url, "nope", /check torch-ref: the repository has no such branch/],
    [`${page}/torch.git`, undefined, /not a git repository, perhaps a page to sign in/],
    [`${locked}/torch.git`, undefined, /private repository out in an earlier step/],
    [`${await refusingAddress()}/torch.git`, undefined, /check torch and torch-ref, and that this runner reaches/],
  ];
  for (const [source, ref, fix] of cases) {
    const error = await errorOf(fetch(source, ref));
    assert.ok(error instanceof Failure && !error.retryable, error.message);
    assert.match(error.fix ?? error.message, fix);
  }
});

test("where no torch-ref is set, a repository without a commit is not blamed on it", async (context) => {
  const { folder, fetch } = await makeRepository(context);
  const empty = join(folder, "empty");
  await mkdir(empty);
  git(empty, "init", "--quiet");
  const error = await errorOf(fetch(`file://${empty}`));
  assert.ok(error instanceof Failure);
  assert.doesNotMatch(error.fix ?? "", /^check torch-ref/);
});

/** What is wrong with a checkout in which Docker is not needed to see it. */
async function problemOf(root: string) {
  const read = await readCheckout(root, LAYOUT, async ({ file }) => assert.fail(`${file} was run`));
  assert.ok("problems" in read);
  return only(read.problems);
}

test("a torch folder that is not there is blamed itself, and not the example in it", async (context) => {
  const folder = await makeFolder(context);
  await writeFile(join(folder, "file"), "");
  for (const root of [join(folder, "gone"), join(folder, "file")]) {
    const { input, value, fix } = await problemOf(root);
    assert.deepEqual([input, value], ["torch", root]);
    assert.match(fix, /actions\/checkout comes before/);
  }
});

test("an example that is not there is told with those that are", async (context) => {
  const root = await makeFolder(context);
  assert.match((await problemOf(root)).allowed, /no examples folder is there/);
  for (const name of ["two-clusters", "other"]) await mkdir(join(root, "examples", name), { recursive: true });
  await writeFile(join(root, "examples/README.md"), "");
  const { input, value, reason, allowed } = await problemOf(root);
  assert.deepEqual([input, value], ["torch-example", "examples/simple/docker"]);
  assert.match(reason, /is not there: looked for .*examples\/simple\/docker$/);
  assert.match(allowed, /the examples are other, two-clusters/);
});

test("what lies in a submodule that was not fetched is told as such", async (context) => {
  const root = await makeFolder(context);
  await mkdir(join(root, "examples"));
  await writeFile(join(root, ".gitmodules"), '[submodule "e"]\n\tpath = examples\n\turl = https://a.example/e\n');
  const { reason, fix } = await problemOf(root);
  assert.match(reason, /\.gitmodules has examples as a submodule, which was not fetched/);
  assert.match(fix, /submodules: true/);
});

/** What is said of a compose file in `a/b` of a checkout, with a file of secrets beside the checkout. */
async function referenceReasons(
  context: TestContext,
  compose: string | Buffer,
  files: Readonly<Record<string, string>> = {},
  links: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await makeFolder(context);
  const root = join(folder, "torch");
  await mkdir(join(root, "a/b"), { recursive: true });
  await writeFile(join(folder, "secret"), "TOKEN=x\n");
  await writeFile(join(root, "a/b/compose.yaml"), compose);
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, "a/b", name), text);
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, "a/b", name));
  const issues = await checkReferences(root, join(root, "a/b/compose.yaml"));
  return issues.map(({ reason }) => reason).join("\n");
}

const PROCESS = `/proc/${process.pid}/environ`;
const SERVICES = "services:\n  web:\n    image: x\n";
const OUT = /leads out of the checkout/;

test("a compose file has compose read nothing that lies elsewhere, whichever key names it", async (context) => {
  const cases: readonly (readonly [string, string])[] = [
    [`${SERVICES}    env_file: ${PROCESS}`, "services.web.env_file"],
    [`${SERVICES}    env_file: [a.env, ../../../secret]`, "services.web.env_file"],
    [`${SERVICES}    env_file: [{ path: ${PROCESS}, required: false }]`, "services.web.env_file"],
    [`x: &x { env_file: ${PROCESS} }\n${SERVICES}    <<: *x`, "services.web.env_file"],
    [`${SERVICES}    label_file: [${PROCESS}]`, "services.web.label_file"],
    [`${SERVICES}    extends: { file: ../../../secret, service: a }`, "services.web.extends"],
    [`include: [../../../secret]\n${SERVICES}`, "include"],
    [`include: ../../../secret\n${SERVICES}`, "include"],
    [`include: [{ path: [other.yaml, ../../../secret] }]\n${SERVICES}`, "include.path"],
    [`include: [{ path: other.yaml, env_file: ${PROCESS} }]\n${SERVICES}`, "include.env_file"],
    [
      `include: [{ path: plain.yaml, project_directory: ../../.. }]\n${SERVICES}    env_file: x`,
      "services.in.env_file",
    ],
    [`include: [other.yaml]\n${SERVICES}`, "services.other.env_file in a/b/other.yaml"],
    [`${SERVICES}    extends: { file: other.yaml, service: other }`, "services.other.env_file in a/b/other.yaml"],
  ];
  const files = {
    "a.env": "A=1\n",
    "other.yaml": `services: { other: { image: x, env_file: ["${PROCESS}"] } }\n`,
    "plain.yaml": "services: { in: { image: x, env_file: secret } }\n",
  };
  for (const [compose, key] of cases) {
    const reasons = await referenceReasons(context, compose, files);
    assert.match(reasons, OUT, compose);
    assert.ok(reasons.includes(`has ${key} `) || reasons.includes(`has ${key}: `), reasons);
  }
});

test("a link, also at .env, leads no compose out of the checkout", async (context) => {
  for (const target of [PROCESS, "../../../secret"]) {
    assert.match(await referenceReasons(context, SERVICES, {}, { ".env": target }), OUT);
    assert.match(await referenceReasons(context, `${SERVICES}    env_file: x.env`, {}, { "x.env": target }), OUT);
  }
  assert.match(
    await referenceReasons(context, `${SERVICES}    env_file: .git`, { ".git": "extraheader=token" }),
    /is git's own/,
  );
  const pipe = join(await makeFolder(context), "pipe");
  execFileSync("mkfifo", [pipe]);
  const root = join(pipe, "..");
  await writeFile(join(root, "compose.yaml"), `${SERVICES}    env_file: pipe`);
  await mkdir(join(root, ".env"));
  const issues = await checkReferences(root, join(root, "compose.yaml"));
  assert.match(only(issues).reason, /services\.web\.env_file in compose\.yaml: .*pipe, which is not a regular file/);
  const home = await makeFolder(context);
  await writeFile(join(home, "credentials"), "TOKEN=x\n");
  const before = process.env.HOME;
  process.env.HOME = home;
  context.after(() => {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
  });
  assert.match(await referenceReasons(context, `${SERVICES}    env_file: ~/credentials`), OUT);
});

test("a path that compose would make of a variable is refused, for what it becomes is not known", async (context) => {
  for (const path of ["${X:-/proc/1/environ}", "$X", "a/${X}.env"]) {
    assert.match(await referenceReasons(context, `${SERVICES}    env_file: "${path}"`), /depends on a variable/);
    assert.match(await referenceReasons(context, `include: ["${path}"]\n${SERVICES}`), /depends on a variable/);
  }
});

test("nothing is hidden from the check that compose would read", async (context) => {
  const hidden = `env_file: ${PROCESS}`;
  const cases: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ["UTF-16", Buffer.from(`\ufeff${SERVICES}    ${hidden}`, "utf16le"), /UTF-8/],
    ["a tag", `${SERVICES}    env_file: !!binary ${Buffer.from(PROCESS).toString("base64")}`, /!!binary/],
    ["a tag of a key", `${SERVICES}    !!binary ${Buffer.from("env_file").toString("base64")}: ${PROCESS}`, /!!binary/],
    ["a second document", `${SERVICES}---\n${SERVICES}    ${hidden}`, /has a second YAML document/],
    ...["\r", "\u0085", "\u2028", "\u2029"].map(
      (sign) => [JSON.stringify(sign), `${SERVICES}    # x${sign}    ${hidden}`, /line break/] as const,
    ),
    ["a circle of aliases", "a: &a [*a]", /cannot be expanded/],
  ];
  for (const [what, compose, reason] of cases) assert.match(await referenceReasons(context, compose), reason, what);
});

test("what lies in the checkout is compose's to read, and so is what is not there to be said by compose", async (context) => {
  const compose = [
    "include: [other.yaml, { path: [other.yaml], env_file: [a.env], project_directory: . }]",
    `${SERVICES}    env_file: [a.env, linked.env, ../b/a.env, { path: none.env, required: false }]`,
    "    extends: { file: other.yaml, service: base }",
    "  two:\n    extends: web\n    environment: !reset null",
  ].join("\n");
  const files = {
    "a.env": "A=1\n",
    ".env": "",
    "other.yaml": "include: [compose.yaml]\nservices: { base: { image: x } }",
  };
  assert.equal(await referenceReasons(context, compose, files, { "linked.env": "a.env" }), "");
  assert.equal(await referenceReasons(context, compose.replaceAll("\n", "\r\n"), files, { "linked.env": "a.env" }), "");
});

test("a chain of compose files ends", async (context) => {
  const files = Object.fromEntries(
    Array.from({ length: 80 }, (_, index) => [`${index}.yaml`, `include: [${index + 1}.yaml]\n`]),
  );
  assert.match(await referenceReasons(context, "include: [0.yaml]", files), /more than 50 compose files/);
  const many = Array.from({ length: 201 }, (_, index) => `${index}.env`).join(", ");
  assert.match(await referenceReasons(context, `${SERVICES}    env_file: [${many}]`), /more files than are looked at/);
  const wide = Array.from({ length: 100 }, (_, index) => `{ path: p, project_directory: "${index}" }`).join(", ");
  assert.match(await referenceReasons(context, `include: [${wide}]`), /names more than 10000 files/);
  const large = { "0.yaml": `#${"x".repeat(600_000)}` };
  assert.match(await referenceReasons(context, "include: [0.yaml]", large), /a\/b\/0\.yaml, which is larger than/);
});

test("no model makes the search for paths throw", () => {
  const names = fc.constantFrom("include", "services", "env_file", "path", "extends", "file", "label_file", "a");
  const model = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 6 }, fc.jsonValue(), fc.dictionary(names, tie("value")), fc.array(tie("value"))),
  }));
  fc.assert(fc.property(model.value, (value) => void listReferences(value)));
});
