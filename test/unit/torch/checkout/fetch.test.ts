import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Failure } from "../../../../src/errors.ts";
import { createExec } from "../../../../src/exec.ts";
import { fetchCheckout } from "../../../../src/torch/checkout/fetch.ts";
import { errorOf, makeFolder, refusingAddress, serve } from "../../builders.ts";

const SIGNAL = AbortSignal.timeout(60_000);

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
    fetchCheckout({ url, ref }, join(folder, "checkout"), createExec(folder), SIGNAL);
  return { folder, url: `file://${source}`, commit: git(source, "rev-parse", "HEAD"), fetch };
}

test("a branch, a full hash, or the default branch is fetched", async (context) => {
  const { folder, url, commit, fetch } = await makeRepository(context);
  for (const ref of [undefined, "main", commit]) {
    await fetch(url, ref);
    assert.equal(await readFile(join(folder, "checkout/a.txt"), "utf8"), "one", ref);
  }
});

test("what git refuses is reported with its fix", async (context) => {
  const { url, commit, fetch } = await makeRepository(context);
  const page = await serve(
    context,
    (_, response) => void response.writeHead(200).end("<!DOCTYPE html>\n<html>\nSign in\n</html>\n"),
  );
  const locked = await serve(context, (_, response) => {
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
  });
  const cases: readonly (readonly [string, string | undefined, RegExp])[] = [
    [url, commit.slice(0, 8), /full hash.*torch-ref.*does not know a commit by its first characters, [0-9a-f]{8}$/],
    [url, "nope", /check torch-ref: the repository has no such branch/],
    [`${page}/torch.git`, undefined, /not a git repository, perhaps a sign-in page/],
    [`${locked}/torch.git`, undefined, /check out a private repository in an earlier step/],
    [
      `${await refusingAddress()}/torch.git`,
      undefined,
      /check torch and torch-ref, and check that this runner can reach/,
    ],
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
