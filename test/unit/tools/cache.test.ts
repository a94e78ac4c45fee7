import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { access, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parseRecord, planCacheCheck } from "../../../src/tools/cache.ts";
import { toolSource } from "../../../src/tools/sources.ts";
import { type Answer, BINARY, CHECKSUM, refusal, send, serve, sha256 } from "./origin.ts";

test("a second run takes the tool from the cache and requests nothing", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  await origin.install();
  const before = origin.asked.length;
  assert.match((await origin.install()).origin, /^from the tool cache, /);
  assert.equal(origin.asked.length, before);
});

test("a cached binary that does not match the catalog is replaced", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  await origin.fill("tampered");
  await origin.install({ checksum: sha256(BINARY) });
  assert.deepEqual(await readFile(origin.path), BINARY);
  assert.deepEqual(await readFile(origin.cached), BINARY);
  assert.equal(origin.lines.length, 1);
});

test("a cached binary that does not match stays where its replacement does not match either", async (context) => {
  const origin = await serve(context, [send("tampered too")], []);
  await origin.fill("tampered");
  await refusal(origin.install({ checksum: sha256(BINARY) }));
  assert.equal(await readFile(origin.cached, "utf8"), "tampered");
});

test("a cache folder that was never completed, or that lost its binary, is filled", async (context) => {
  for (const checksum of [undefined, sha256(BINARY)]) {
    const half = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
    await mkdir(half.place, { recursive: true });
    await writeFile(half.cached, "half");
    assert.deepEqual(await readFile((await half.install({ checksum })).path), BINARY);

    const lost = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
    await mkdir(lost.place, { recursive: true });
    await writeFile(`${lost.place}.complete`, "");
    assert.deepEqual(await readFile((await lost.install({ checksum })).path), BINARY);
  }
});

test("several installs at once all succeed, and nobody ever sees half a file", async (context) => {
  const large = Buffer.alloc(8 * 1024 * 1024, "kind");
  const slowly: Answer = (response) => {
    response.writeHead(200);
    response.write(large.subarray(0, large.length / 2), () =>
      setImmediate(() => response.end(large.subarray(large.length / 2))),
    );
  };
  const origin = await serve(context, [slowly], []);
  const present = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );
  let working = true;
  let looks = 0;
  const watch = (async () => {
    while (working) {
      // What the toolkit's `find` trusts must be complete, and so must any file at the path.
      if (await present(`${origin.place}.complete`)) assert.ok(await present(origin.cached));
      for (const path of [origin.cached, origin.path]) {
        if (await present(path)) assert.equal((await stat(path)).size, large.length);
      }
      looks += 1;
    }
  })();
  const requests = Array.from({ length: 4 }, () => origin.install({ checksum: sha256(large) }));
  const installed = await Promise.all(requests).finally(() => {
    working = false;
  });
  await watch;
  assert.ok(looks > 0);
  assert.deepEqual(new Set(installed.map((tool) => tool.path)), new Set([origin.path]));
  for (const path of [origin.cached, origin.path]) assert.equal(sha256(await readFile(path)), sha256(large));
  assert.deepEqual((await readdir(join(origin.place, ".."))).toSorted(), ["x64", "x64.complete"]);
});

test("a fake in the cache does not run if the catalog has no checksum: without a record, with a wrong one, with half of one", async (context) => {
  const fake = "#!/bin/sh\necho fake\n";
  const url = "http://127.0.0.1/kind";
  const records = [
    undefined,
    { sha256: sha256(BINARY), url },
    "",
    "{",
    "[]",
    "null",
    { sha256: sha256(Buffer.from(fake)) },
    { sha256: sha256(Buffer.from(fake)), url: "https://mirror.example/kind" },
    { sha256: sha256(Buffer.from(fake)), url: `https://kind.sigs.k8s.io/dl/x\n::stop-commands::x` },
    { sha256: sha256(Buffer.from(fake)), url: "https://kind.sigs.k8s.io.example/dl/" },
    `${JSON.stringify({ sha256: sha256(Buffer.from(fake)), url: "https://kind.sigs.k8s.io/dl/x" })}${" ".repeat(5000)}`,
  ];
  for (const record of records) {
    const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
    await origin.fill(fake, record);
    const installed = await origin.install();
    assert.deepEqual(await readFile(installed.path), BINARY, JSON.stringify(record));
    assert.deepEqual(await readFile(origin.cached), BINARY);
    assert.match(origin.lines.join(), /is downloaded again/);
    // The fixed one is used from then on.
    assert.match((await origin.install()).origin, /^from the tool cache/);
  }
});

test("a cached binary that was changed after its download is downloaded again", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  await origin.install();
  await writeFile(origin.cached, "changed");
  await origin.install();
  for (const path of [origin.cached, origin.path]) assert.deepEqual(await readFile(path), BINARY);
});

test("a cached binary that cannot be replaced is not used either", async (context) => {
  const origin = await serve(context, [send("gone", 404)], [send("gone", 404)]);
  await origin.fill("fake");
  await refusal(origin.install());
  assert.deepEqual(await readdir(join(origin.run, "bin")), []);
});

test("a cache with pipes, devices, folders and links does not block and is not trusted", async (context) => {
  const ways: readonly ((path: string) => Promise<unknown>)[] = [
    async (path) => execFileSync("mkfifo", [path]),
    (path) => symlink("/dev/zero", path),
    (path) => mkdir(path),
    (path) => symlink(path, path),
  ];
  for (const [index, prepare] of ways.entries()) {
    for (const name of ["kind", "kind.record.json"]) {
      const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
      await origin.fill(BINARY, { sha256: sha256(BINARY), url: origin.request.source.url });
      await rm(join(origin.place, name));
      await prepare(join(origin.place, name));
      const { path, warning } = await origin.install();
      assert.deepEqual(await readFile(path), BINARY);
      // A folder in a file's place cannot be replaced: the run has its own copy, and the next run downloads again.
      if (index === 2) assert.match(warning ?? "", /cannot be kept in the tool cache[\s\S]*Fix: /);
    }
  }
});

test("what a record is worth depends on where the binary came from", () => {
  const mirror = toolSource("kind", "0.25.0", "amd64", "https://mirror.example/kind");
  const official = toolSource("kind", "0.25.0", "amd64", undefined);
  const sum = "0".repeat(64);
  const record = (url: string) => ({ sha256: "1".repeat(64), url });
  const plan = (source: typeof mirror, checksum: string | undefined, from?: string) =>
    planCacheCheck("kind", source, checksum, from === undefined ? undefined : record(from));
  assert.equal(plan(mirror, sum)?.sha256, sum);
  assert.equal(plan(mirror, sum, mirror.url)?.sha256, sum, "the catalog decides");
  assert.equal(plan(mirror, undefined), undefined);
  assert.match(
    plan(mirror, undefined, mirror.url)?.proof ?? "",
    /not verified against the catalog.*only the mirror vouches/,
  );
  assert.equal(plan(official, undefined, mirror.url), undefined, "a mirror's is not the origin's");
  assert.equal(plan(mirror, undefined, "https://other.example/kind"), undefined);
  for (const source of [official, mirror]) {
    const proof = plan(source, undefined, official.url)?.proof ?? "";
    assert.match(proof, /as recorded next to it when it was downloaded from https:\/\/kind\.sigs\.k8s\.io/);
    assert.match(proof, /^not verified against the catalog, which has no checksum of it: /);
    assert.doesNotMatch(proof, /vouches/);
  }
});

test("a record is read back as it was written, and nothing else is accepted", () => {
  const text = fc.oneof(fc.string(), fc.json(), fc.constant(`{"sha256":"${"a".repeat(64)}","url":"https://a/\\n"}`));
  fc.assert(
    fc.property(text, (input) => {
      const record = parseRecord(input);
      if (record !== undefined)
        assert.match(`${record.sha256} ${record.url}`, /^[0-9a-f]{64} https?:\/\/[\x21-\x7e]+$/);
    }),
  );
  const sum = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(sum, fc.domain(), (sha256, host) => {
      const record = { sha256, url: `https://${host}/kind` };
      assert.deepEqual(parseRecord(JSON.stringify(record)), record);
    }),
  );
});

test("nobody else can write to the cache, whatever the umask", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  const before = process.umask(0);
  try {
    await origin.install();
  } finally {
    process.umask(before);
  }
  for (const path of [
    "kind",
    "kind/0.25.0",
    "kind/0.25.0/x64",
    "kind/0.25.0/x64/kind",
    "kind/0.25.0/x64/kind.record.json",
  ])
    assert.equal((await stat(join(origin.cache, path))).mode & 0o022, 0, path);
});
