import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { installTool, type ToolRequest } from "../../src/tools/install.ts";
import { toolSource } from "../../src/tools/sources.ts";
import { makeFolder } from "./builders.ts";

// The toolkit's own switches for its tests: no pause between tries.
Reflect.set(globalThis, "TEST_DOWNLOAD_TOOL_RETRY_MIN_SECONDS", 0);
Reflect.set(globalThis, "TEST_DOWNLOAD_TOOL_RETRY_MAX_SECONDS", 0);

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
  const downloads = join(folder, "downloads");
  await Promise.all([cache, downloads].map((path) => mkdir(path)));
  process.env.RUNNER_TOOL_CACHE = cache;
  const request: ToolRequest = {
    tool: "kind",
    version: "0.25.0",
    nodeArchitecture: "x64",
    source: toolSource("kind", "0.25.0", "amd64", `http://127.0.0.1:${address.port}`),
    checksum: undefined,
  };
  const lines: string[] = [];
  const install = (overrides: Partial<ToolRequest> = {}) =>
    installTool({ ...request, ...overrides }, downloads, (line) => lines.push(line));
  const place = join(cache, "kind", "0.25.0", "x64");
  return { install, asked, cache, downloads, place, path: join(place, "kind"), lines };
}

async function refusal(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(
    () => assert.fail("it was installed"),
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Failure, `${outcome}`);
  assert.notEqual(outcome.cure, undefined);
  return outcome;
}

async function assertNothingInstalled({ cache }: { readonly cache: string }) {
  const left = await readdir(cache, { recursive: true, withFileTypes: true });
  assert.deepEqual(
    left.filter((entry) => entry.isFile()).map((entry) => entry.name),
    [],
  );
}

test("a tool is downloaded, checked and found executable in the tool cache", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  const installed = await origin.install();
  assert.equal(installed.path, origin.path);
  assert.deepEqual(await readFile(installed.path), BINARY);
  assert.equal((await stat(installed.path)).mode & 0o777, 0o755);
  assert.match(installed.origin, /mirror/);
  assert.deepEqual(await readdir(origin.downloads), []);
});

test("a second run takes it from the cache and asks nobody", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  await origin.install();
  const before = origin.asked.length;
  assert.equal((await origin.install()).origin, "from the tool cache");
  assert.equal(origin.asked.length, before);
});

test("the catalogue's checksum is used where it has one, and the origin's is not asked for", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send("f".repeat(64))]);
  const installed = await origin.install({ checksum: sha256(BINARY) });
  assert.match(installed.origin, /catalogue/);
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
  assert.deepEqual(await readdir(origin.downloads), []);
});

test("an origin that stays down fails after three tries, naming the address and the mirrors", async (context) => {
  const origin = await serve(context, [send("busy", 503)], [send(CHECKSUM)]);
  const failure = await refusal(origin.install({ checksum: sha256(BINARY) }));
  assert.match(failure.message, /kind-linux-amd64.*503/);
  assert.match(failure.cure ?? "", /kind-mirror/);
  assert.equal(origin.asked.length, 3);
  await assertNothingInstalled(origin);
});

test("what is not there is not asked for again", async (context) => {
  const origin = await serve(context, [send("no", 404)], [send(CHECKSUM)]);
  assert.match((await refusal(origin.install({ checksum: sha256(BINARY) }))).message, /404/);
  assert.equal(origin.asked.length, 1);
});

test("a cached binary that does not match the catalogue is replaced", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  await mkdir(origin.place, { recursive: true });
  await writeFile(origin.path, "tampered");
  await writeFile(`${origin.place}.complete`, "");
  await origin.install({ checksum: sha256(BINARY) });
  assert.deepEqual(await readFile(origin.path), BINARY);
  assert.equal(origin.lines.length, 1);
});

test("a cached binary that does not match stays where its replacement does not match either", async (context) => {
  const origin = await serve(context, [send("tampered too")], []);
  await mkdir(origin.place, { recursive: true });
  await writeFile(origin.path, "tampered");
  await writeFile(`${origin.place}.complete`, "");
  await refusal(origin.install({ checksum: sha256(BINARY) }));
  assert.equal(await readFile(origin.path, "utf8"), "tampered");
});

test("a cache folder that was never completed, or that lost its binary, is filled", async (context) => {
  for (const checksum of [undefined, sha256(BINARY)]) {
    const half = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
    await mkdir(half.place, { recursive: true });
    await writeFile(half.path, "half");
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
      if (await present(`${origin.place}.complete`)) assert.ok(await present(origin.path));
      if (await present(origin.path)) assert.equal((await stat(origin.path)).size, large.length);
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
  assert.equal(sha256(await readFile(origin.path)), sha256(large));
  assert.deepEqual((await readdir(join(origin.place, ".."))).toSorted(), ["x64", "x64.complete"]);
});
