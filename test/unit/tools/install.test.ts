import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, open, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../../src/errors.ts";
import { parseRecord, planCacheCheck } from "../../../src/tools/cache.ts";
import { downloadFile, planRedirect } from "../../../src/tools/download.ts";
import { installTool, type ToolRequest } from "../../../src/tools/install.ts";
import { planSearch } from "../../../src/tools/path.ts";
import { toolSource } from "../../../src/tools/sources.ts";
import { makeFolder } from "../builders.ts";

type Answer = (response: ServerResponse) => void;
const send =
  (body: Buffer | string, status = 200): Answer =>
  (response) =>
    response.writeHead(status).end(body);
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");
const BINARY = Buffer.from("#!/bin/sh\necho real\n".repeat(100));
const CHECKSUM = `${sha256(BINARY)}  kind-linux-amd64\n`;

/** A loopback origin; answers to one path are given in order, the last one again and again. */
async function serve(context: TestContext, binary: readonly Answer[], checksum: readonly Answer[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    const answers = url.endsWith(".sha256sum") ? checksum : binary;
    const answer = answers[asked.filter((item) => item === url).length] ?? answers.at(-1);
    asked.push(url);
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const folder = await makeFolder(context);
  const cache = join(folder, "cache");
  const run = join(folder, "run");
  await Promise.all([cache, run].map((path) => mkdir(path)));
  process.env.RUNNER_TOOL_CACHE = cache;
  const request: ToolRequest = {
    tool: "kind",
    version: "0.25.0",
    nodeArchitecture: "x64",
    source: toolSource("kind", "0.25.0", "amd64", `http://127.0.0.1:${address.port}`),
    checksum: undefined,
  };
  const lines: string[] = [];
  const debugLines: string[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    debug: (line: string) => void debugLines.push(line),
  };
  /** @param searchPath stands in for the machine's `PATH`. */
  const install = (overrides: Partial<ToolRequest> = {}, searchPath = "") =>
    installTool({ ...request, ...overrides }, run, log, { pauses: [0, 0], searchPath });
  const place = join(cache, "kind", "0.25.0", "x64");
  /** A cached binary as something else has put it there, with or without a record. */
  const fill = async (binary: Buffer | string, record?: unknown) => {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "kind"), binary);
    if (record !== undefined) {
      await writeFile(join(place, "kind.record.json"), typeof record === "string" ? record : JSON.stringify(record));
    }
    await writeFile(`${place}.complete`, "");
  };
  return {
    install,
    asked,
    cache,
    run,
    place,
    fill,
    /** In the cache. */
    cached: join(place, "kind"),
    /** The run's own copy. */
    path: join(run, "bin", "kind"),
    lines,
    debugLines,
    request,
  };
}

async function refusal(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(
    () => assert.fail("it was installed"),
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Failure, `${outcome}`);
  assert.notEqual(outcome.fix, undefined);
  return outcome;
}

async function assertNothingInstalled({ cache, run }: { readonly cache: string; readonly run: string }) {
  const folders = [cache, join(run, "bin")];
  const left = (
    await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })))
  ).flat();
  assert.deepEqual(
    left.filter((entry) => entry.isFile()).map((entry) => entry.name),
    [],
  );
}

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

test("a second run takes it from the cache and asks nobody", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  await origin.install();
  const before = origin.asked.length;
  assert.match((await origin.install()).origin, /^from the tool cache, /);
  assert.equal(origin.asked.length, before);
});

test("the catalog's checksum is used where it has one, and the origin's is not asked for", async (context) => {
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

test("an empty answer is no binary", async (context) => {
  const origin = await serve(context, [send("")], [send(CHECKSUM)]);
  await refusal(origin.install());
  await assertNothingInstalled(origin);
});

test("a transient answer is tried again, for the binary and for the checksum", async (context) => {
  for (const status of [503, 500, 429, 408]) {
    const busy = send("busy", status);
    const origin = await serve(context, [busy, send(BINARY)], [busy, busy, send(CHECKSUM)]);
    await origin.install();
    assert.deepEqual(await readFile(origin.path), BINARY);
    assert.equal(origin.asked.length, 5);
  }
});

test("a connection that breaks in the middle is tried again, and its half is not kept", async (context) => {
  const broken: Answer = (response) => {
    response.writeHead(200, { "content-length": BINARY.length });
    response.write(BINARY.subarray(0, 100), () => response.destroy());
  };
  const origin = await serve(context, [broken, send(BINARY)], [send(CHECKSUM)]);
  await origin.install();
  assert.deepEqual(await readFile(origin.path), BINARY);
  assert.deepEqual(await readdir(origin.run), ["bin"]);
});

test("an origin that stays down fails after three tries, naming the address and the mirrors", async (context) => {
  const origin = await serve(context, [send("busy", 503)], [send(CHECKSUM)]);
  const failure = await refusal(origin.install({ checksum: sha256(BINARY) }));
  assert.match(failure.message, /kind-linux-amd64.*503/);
  assert.match(failure.fix ?? "", /kind-mirror/);
  assert.equal(origin.asked.length, 3);
  await assertNothingInstalled(origin);
});

test("what is not there is not asked for again", async (context) => {
  const origin = await serve(context, [send("no", 404)], [send(CHECKSUM)]);
  assert.match((await refusal(origin.install({ checksum: sha256(BINARY) }))).message, /404/);
  assert.equal(origin.asked.length, 1);
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

test("two installs at once both succeed, and nobody ever sees half a file", async (context) => {
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
      // What the toolkit's `find` believes must be whole; so must be whatever lies at the path.
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

test("a fake in the cache does not run where the catalog has no checksum: without a record, with another's, with half of one", async (context) => {
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
    // What was put right is used from then on.
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

test("what is checked is what runs: a cache that changes afterwards changes nothing", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  for (const from of ["download", "cache"]) {
    const { path } = await origin.install();
    await writeFile(origin.cached, "#!/bin/sh\necho fake\n");
    assert.match(execFileSync(path, { encoding: "utf8" }), /^(real\n)+$/, from);
    await writeFile(origin.cached, BINARY);
  }
});

test("a cache that holds pipes, devices, folders and links does not block and is not believed", async (context) => {
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
      const work = origin.install();
      // A folder in a file's place cannot be written over: that is said.
      if (index === 2) assert.match((await refusal(work)).message, /cannot be put into the tool cache/);
      else assert.deepEqual(await readFile((await work).path), BINARY);
    }
  }
});

test("what only a mirror vouches for is called not verified; over http there is a warning that says why", async (context) => {
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
  assert.equal(plan(official, undefined, mirror.url), undefined, "a mirror's does not stand for the origin's");
  assert.equal(plan(mirror, undefined, "https://other.example/kind"), undefined);
  for (const source of [official, mirror]) {
    const proof = plan(source, undefined, official.url)?.proof ?? "";
    assert.match(proof, /as recorded beside it when it was downloaded from https:\/\/kind\.sigs\.k8s\.io/);
    assert.match(proof, /^not verified against the catalog, which has no checksum of it: /);
    assert.doesNotMatch(proof, /vouches/);
  }
});

test("a record is read back as it was written, and anything else is none", () => {
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

test("the cache is nobody else's to write, whatever the umask", async (context) => {
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

test("a redirect never leads from https to less, nor to what is not http", () => {
  const https = new URL("https://mirror.example/kind");
  const http = new URL("http://mirror.example/kind");
  assert.equal(planRedirect(https, "/other").href, "https://mirror.example/other");
  assert.equal(planRedirect(https, "//elsewhere.example/x").href, "https://elsewhere.example/x");
  assert.equal(planRedirect(http, "https://elsewhere.example/x").protocol, "https:");
  assert.equal(planRedirect(http, "/other").protocol, "http:");
  for (const location of [
    "http://mirror.example/kind",
    "HTTP://x/",
    "\thttp://x/",
    "ftp://x/",
    "file:///etc/passwd",
    "data:,x",
  ])
    assert.throws(() => planRedirect(https, location), /refused/, location);
  for (const location of ["file:///etc/passwd", "javascript:x"])
    assert.throws(() => planRedirect(http, location), /refused/, location);
  assert.throws(() => planRedirect(https, "https://["), /not an address/);
});

test("redirects are followed, but not for ever, and their bodies are not read", async (context) => {
  const bodies: Answer = (response) => {
    response.writeHead(302, { location: "/elsewhere" });
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024)));
      if (!response.destroyed) response.once("drain", pour);
    };
    response.on("error", () => undefined);
    pour();
  };
  const origin = await serve(context, [bodies, bodies], [send(CHECKSUM)]);
  assert.match((await refusal(origin.install({ checksum: sha256(BINARY) }))).message, /more than 10 redirects/);
  // Relative to the address: the first answer to the new one is a redirect again.
  const away: Answer = (response) => response.writeHead(307, { location: "?2" }).end();
  const sensible = await serve(context, [away, send(BINARY)], []);
  assert.deepEqual(await readFile((await sensible.install({ checksum: sha256(BINARY) })).path), BINARY);
});

test("no more is read than the limit, of a checksum file as of a binary, and it is not tried again", async (context) => {
  const endless: Answer = (response) => {
    response.writeHead(200);
    response.on("error", () => undefined);
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, "0")));
      if (!response.destroyed) response.once("drain", pour);
    };
    pour();
  };
  const origin = await serve(context, [send(BINARY)], [endless]);
  assert.match((await refusal(origin.install())).message, /kind's checksum from .* failed: more than 16384 bytes/);
  assert.equal(origin.asked.filter((url) => url.endsWith(".sha256sum")).length, 1);
  await assertNothingInstalled(origin);

  const folder = await makeFolder(context);
  const binary = await serve(context, [endless], []);
  const path = join(folder, "kind");
  const download = downloadFile(binary.request.source.url, path, { bytes: 1_000_000, seconds: 60, pauses: [0, 0] });
  await assert.rejects(download, /more than 1000000 bytes/);
  assert.deepEqual(await readdir(folder), []);
});

test("an answer that never ends is left when the time is up, and its file is removed", async (context) => {
  for (const silent of [true, false]) {
    const never: Answer = (response) => {
      if (!silent) response.writeHead(200).write("a");
    };
    const origin = await serve(context, [never], []);
    const folder = await makeFolder(context);
    const limits = { bytes: 1000, seconds: 0.2, pauses: [0, 0] };
    await assert.rejects(
      downloadFile(origin.request.source.url, join(folder, "kind"), limits),
      /timed out after 0\.2 s/,
    );
    assert.deepEqual(await readdir(folder), []);
    assert.equal(origin.asked.length, 1);
  }
});

test("a sign-in page with a Content-Length that is not its own is not a binary", async (context) => {
  const page = "<html>Please sign in</html>";
  for (const length of [5, page.length, 10_000]) {
    const lying: Answer = (response) => {
      response.strictContentLength = false;
      response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${page}`);
    };
    const origin = await serve(context, [lying], [send(CHECKSUM)]);
    await refusal(origin.install());
    await assertNothingInstalled(origin);
  }
});

/** Folders as they stand in `PATH`, made by what each is to hold. */
async function makePath(context: TestContext, ...fill: readonly ((file: string) => Promise<unknown>)[]) {
  const folder = await makeFolder(context);
  const folders = fill.map((_, index) => join(folder, `path-${index}`));
  for (const [index, each] of fill.entries()) {
    const place = folders[index] ?? assert.fail();
    await mkdir(place);
    await each(join(place, "kind"));
  }
  return folders;
}

const put =
  (content: Buffer | string, mode = 0o755) =>
  (file: string) =>
    writeFile(file, content, { mode });

test("a tool in PATH that has the pinned checksum is used, and nothing is downloaded", async (context) => {
  const origin = await serve(context, [send("other")], [send("f".repeat(64))]);
  const [folder = ""] = await makePath(context, put(BINARY));
  const installed = await origin.install({ checksum: sha256(BINARY) }, `/nowhere:${folder}`);
  assert.equal(installed.origin, `the one in PATH (${folder}/kind) has the pinned checksum; nothing was downloaded`);
  assert.equal(installed.warning, undefined);
  assert.deepEqual(origin.asked, []);
  // A copy runs: what lies in PATH may change.
  assert.equal(installed.path, origin.path);
  await writeFile(join(folder, "kind"), "#!/bin/sh\necho fake\n");
  assert.match(execFileSync(origin.path, { encoding: "utf8" }), /^(real\n)+$/);
  assert.deepEqual(await readdir(join(origin.run, "bin")), ["kind"]);
  assert.match(origin.debugLines.join(), new RegExp(`a copy of ${folder}/kind`));
  assert.deepEqual(origin.lines, []);
});

test("the tool cache comes before PATH, and what it has wrong does not keep PATH from being used", async (context) => {
  const checksum = sha256(BINARY);
  const origin = await serve(context, [send("other")], []);
  const [folder = ""] = await makePath(context, put(BINARY));
  await origin.fill(BINARY);
  assert.equal(
    (await origin.install({ checksum }, folder)).origin,
    "from the tool cache, verified against the catalog",
  );
  await origin.fill("tampered");
  assert.match((await origin.install({ checksum }, folder)).origin, /^the one in PATH/);
  assert.match(origin.lines.join(), /The cached kind 0\.25\.0 does not match the catalog's checksum.*: it is not used/);
  assert.deepEqual(origin.asked, []);
});

test("PATH is not looked at where the catalog has no checksum", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  const [folder = ""] = await makePath(context, put(BINARY));
  const { origin: text } = await origin.install({}, folder);
  assert.match(text, /^downloaded from http:.*, not verified against the catalog, which has no checksum of it: /);
});

test("what lies in PATH is never run, and what does not have the checksum is said once and not used", async (context) => {
  const folder = await makeFolder(context);
  const ran = join(folder, "ran");
  const script = `#!/bin/sh\necho "$0" >> '${ran}'\necho kind v0.25.0\n`;
  const origin = await serve(context, [send(BINARY)], []);
  const path = await makePath(
    context,
    put(script),
    put(""),
    put(BINARY.subarray(1)),
    (file) => Promise.resolve(execFileSync("mkfifo", [file])),
    (file) => mkdir(file),
    (file) => symlink("/dev/zero", file),
    (file) => symlink("/proc/self/environ", file),
    (file) => symlink(file, file),
    (file) => symlink("/nowhere/kind", file),
    () => Promise.resolve(),
  );
  const searchPath = [...path, ".", "", "relative", "/nowhere\0", join(path[0] ?? "", "kind")].join(":");
  const installed = await origin.install({ checksum: sha256(BINARY) }, searchPath);
  assert.match(installed.origin, /^downloaded from/);
  assert.deepEqual(await readFile(installed.path), BINARY);
  await assert.rejects(access(ran), "a script in PATH ran");
  // Once, however many there are.
  assert.deepEqual(origin.lines, [`The kind in PATH (${path[0]}/kind) is another build or version; not used.`]);
  assert.match(origin.debugLines.join("\n"), /path-0\/kind is not used: it does not have the catalog's SHA-256/);
  assert.deepEqual(await readdir(join(origin.run, "bin")), ["kind"]);
});

test("a match is found behind others of the same name, through links, and whatever its mode", async (context) => {
  const checksum = sha256(BINARY);
  const [elsewhere = ""] = await makePath(context, put(BINARY, 0o444));
  for (const match of [
    put(BINARY, 0o777),
    put(BINARY, 0o444),
    (file: string) => symlink(join(elsewhere, "kind"), file),
  ]) {
    const origin = await serve(context, [send("no", 404)], []);
    const path = await makePath(context, put("other"), match);
    const installed = await origin.install({ checksum }, path.join(":"));
    assert.match(installed.origin, /^the one in PATH/);
    assert.deepEqual(origin.lines, []);
    assert.equal((await stat(installed.path)).mode & 0o777, 0o755);
  }
});

test("a file in PATH that may not be read is passed over", async (context) => {
  const origin = await serve(context, [send(BINARY)], []);
  const [folder = ""] = await makePath(context, put(BINARY, 0o000));
  const { origin: text, path } = await origin.install({ checksum: sha256(BINARY) }, folder);
  // root reads it all the same.
  assert.match(text, process.getuid?.() === 0 ? /^the one in PATH/ : /^downloaded from/);
  assert.deepEqual(await readFile(path), BINARY);
});

test("a file in PATH that changes while it is read gives a copy with the checksum, or none", async (context) => {
  const large = Buffer.alloc(16 * 1024 * 1024, "kind");
  const other = Buffer.alloc(large.length, "fake");
  const [folder = ""] = await makePath(context, put(large));
  const file = await open(join(folder, "kind"), "r+");
  let writing = true;
  const write = (async () => {
    for (let turn = 0; writing; turn += 1) {
      await file.write(turn % 2 === 0 ? other : large, 0, 1024 * 1024, 8 * 1024 * 1024);
    }
  })();
  try {
    for (let turn = 0; turn < 10; turn += 1) {
      const origin = await serve(context, [send(large)], []);
      const installed = await origin.install({ checksum: sha256(large) }, folder);
      assert.match(installed.origin, /^(the one in PATH|downloaded from)/);
      assert.equal(sha256(await readFile(installed.path)), sha256(large));
    }
  } finally {
    writing = false;
    await write;
    await file.close();
  }
});

test("nothing but the pinned binary is installed, though the origin's own checksum file says otherwise", async (context) => {
  const other = Buffer.from("other");
  const origin = await serve(context, [send(other)], [send(`${sha256(other)}  kind-linux-amd64\n`)]);
  const failure = await refusal(origin.install({ checksum: sha256(BINARY) }));
  assert.match(failure.message, new RegExp(`${sha256(other)}, but ${sha256(BINARY)} was expected, by the catalog`));
  assert.match(failure.fix ?? "", /build of your own needs a file for the input catalog/);
  await assertNothingInstalled(origin);
});

test("only absolute folders of PATH are searched, each once, and not without end", () => {
  assert.deepEqual(planSearch("/usr/bin:/bin:.:bin::/usr/bin/:/usr/bin:/a b", "kubectl"), [
    "/usr/bin/kubectl",
    "/bin/kubectl",
    "/a b/kubectl",
  ]);
  assert.deepEqual(planSearch("", "kind"), []);
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("/", "/bin", "..", "/a/../b"))), (folders) => {
      const places = planSearch(folders.join(":"), "kind");
      assert.equal(new Set(places).size, places.length);
      for (const place of places) assert.match(place, /^\/(.*\/)?kind$/s);
    }),
  );
  const many = Array.from({ length: 5000 }, (_, index) => `/${index}`).join(":");
  assert.equal(planSearch(many, "kind").length, 200);
});
