import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { createRun } from "../../src/process.ts";
import { fetchCheckout, readCheckout } from "../../src/torch/checkout.ts";
import { planLayout } from "../../src/torch/layout.ts";
import { errorOf, makeFolder, only, refusingAddress, serve } from "./builders.ts";

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
    fetchCheckout({ kind: "git", url }, ref, join(folder, "checkout"), createRun(folder), SIGNAL);
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
  for (const [source, ref, cure] of cases) {
    const error = await errorOf(fetch(source, ref));
    assert.ok(error instanceof Failure && error.final, error.message);
    assert.match(error.cure ?? error.message, cure);
  }
});

test("where no torch-ref is set, a repository without a commit is not blamed on it", async (context) => {
  const { folder, fetch } = await makeRepository(context);
  const empty = join(folder, "empty");
  await mkdir(empty);
  git(empty, "init", "--quiet");
  const error = await errorOf(fetch(`file://${empty}`));
  assert.ok(error instanceof Failure);
  assert.doesNotMatch(error.cure ?? "", /^check torch-ref/);
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
