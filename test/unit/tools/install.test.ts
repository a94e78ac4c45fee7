import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assertNothingInstalled, BINARY, CHECKSUM, refusal, send, serve, sha256 } from "./origin.ts";

test("a tool is downloaded, checked, and found executable in the run's folder and in the tool cache", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  const installed = await origin.install();
  assert.equal(installed.path, origin.path);
  for (const path of [origin.path, origin.cached]) {
    assert.deepEqual(await readFile(path), BINARY);
    assert.equal((await stat(path)).mode & 0o777, 0o755);
  }
  assert.equal((await stat(join(origin.run, "bin"))).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(origin.run), ["bin"]);
  assert.deepEqual(await readdir(join(origin.run, "bin")), ["kind"]);
});

test("the catalog's checksum is used if it has one, and the origin's is not requested", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send("f".repeat(64))]);
  const installed = await origin.install({ checksum: sha256(BINARY) });
  assert.match(installed.origin, /^downloaded from http:.*, verified against the catalog$/);
  assert.equal(installed.warning, undefined);
  assert.equal(origin.asked.length, 1);
});

test("a binary that does not match fails, and nothing is installed", async (context) => {
  for (const checksum of [undefined, sha256(Buffer.from("other"))]) {
    const origin = await serve(context, [send("tampered")], [send(CHECKSUM)]);
    const failure = await refusal(origin.install({ checksum }));
    assert.match(failure.message, new RegExp(sha256(Buffer.from("tampered"))));
    await assertNothingInstalled(origin);
  }
});

test("an error page in place of the checksum fails, and nothing is installed", async (context) => {
  const page = send("<html><body>Please sign in</body></html>");
  const origin = await serve(context, [send(BINARY)], [page]);
  assert.match((await refusal(origin.install())).message, /not a checksum file/);
  await assertNothingInstalled(origin);
});

test("an error page in place of the binary fails, and nothing is installed", async (context) => {
  const origin = await serve(context, [send("<html>Please sign in</html>")], [send(CHECKSUM)]);
  await refusal(origin.install());
  await assertNothingInstalled(origin);
});

test("an empty answer is not a binary", async (context) => {
  const origin = await serve(context, [send("")], [send(CHECKSUM)]);
  await refusal(origin.install());
  await assertNothingInstalled(origin);
});

test("what is checked is what runs: a cache that changes afterwards changes nothing", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  for (const from of ["download", "cache"]) {
    const { path } = await origin.install();
    await writeFile(origin.cached, "#!/bin/sh\necho fake\n");
    assert.match(execFileSync(path, { encoding: "utf8" }), /^(real\n)+$/, from);
    await writeFile(origin.cached, BINARY);
  }
});

test("a tool that only a mirror vouches for is reported as not verified; over http there is a warning with the reason", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  const downloaded = await origin.install();
  const cached = await origin.install();
  for (const { origin: text, warning } of [downloaded, cached]) {
    assert.match(text, /not verified against the catalog.*: .*nothing vouches for it/);
    assert.match(warning ?? "", /kind 0\.25\.0 is not verified: http:.*not https.*Fix: .*kind-mirror.*catalog/);
  }
  const verified = await origin.install({ checksum: sha256(BINARY) });
  assert.equal(verified.origin, "from the tool cache, verified against the catalog");
  assert.equal(verified.warning, undefined);
});

test("nothing but the pinned binary is installed, even if the origin's checksum file says otherwise", async (context) => {
  const other = Buffer.from("other");
  const origin = await serve(context, [send(other)], [send(`${sha256(other)}  kind-linux-amd64\n`)]);
  const failure = await refusal(origin.install({ checksum: sha256(BINARY) }));
  assert.match(
    failure.message,
    new RegExp(`${sha256(other)}, but the catalog says ${sha256(BINARY)}\\. Nothing was installed`),
  );
  assert.match(failure.fix ?? "", /build of your own, set catalog to a file with its checksum/);
  await assertNothingInstalled(origin);
});
