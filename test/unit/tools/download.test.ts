import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { downloadFile, planRedirect, readRetryAfter } from "../../../src/tools/download.ts";
import { makeFolder } from "../builders.ts";
import { type Answer, assertNothingInstalled, BINARY, CHECKSUM, refusal, send, serve, sha256 } from "./origin.ts";

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

test("a missing file is not requested again", async (context) => {
  const origin = await serve(context, [send("no", 404)], [send(CHECKSUM)]);
  assert.match((await refusal(origin.install({ checksum: sha256(BINARY) }))).message, /404/);
  assert.equal(origin.asked.length, 1);
});

test("a redirect never leads from https to http, or to anything that is not http", () => {
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

test("redirects are followed, but not forever, and their bodies are not read", async (context) => {
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
  // Relative to the address: the first answer to the new address is again a redirect.
  const away: Answer = (response) => response.writeHead(307, { location: "?2" }).end();
  const sensible = await serve(context, [away, send(BINARY)], []);
  assert.deepEqual(await readFile((await sensible.install({ checksum: sha256(BINARY) })).path), BINARY);
});

test("no more than the limit is read of a checksum file or a binary, and it is not tried again", async (context) => {
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
  const download = downloadFile(binary.request.source.url, path, {
    bytes: 1_000_000,
    seconds: 60,
    stallSeconds: 60,
    retryDelays: [0, 0],
  });
  await assert.rejects(download, /more than 1000000 bytes/);
  assert.deepEqual(await readdir(folder), []);
});

test("an answer that never ends is abandoned when the time is up, and its file is removed", async (context) => {
  for (const silent of [true, false]) {
    const never: Answer = (response) => {
      if (!silent) response.writeHead(200).write("a");
    };
    const origin = await serve(context, [never], []);
    const folder = await makeFolder(context);
    const limits = { bytes: 1000, seconds: 0.2, stallSeconds: 60, retryDelays: [0, 0] };
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

test("an answer of which nothing more comes is tried again, and the last error says so", async (context) => {
  const stalled: Answer = (response) => response.writeHead(200, { "content-length": BINARY.length }).write("a");
  const folder = await makeFolder(context);
  const limits = { bytes: 10_000, seconds: 60, stallSeconds: 0.1, retryDelays: [0, 0] };
  const origin = await serve(context, [stalled, send(BINARY)], []);
  await downloadFile(origin.request.source.url, join(folder, "kind"), limits);
  assert.deepEqual(await readFile(join(folder, "kind")), BINARY);
  const never = await serve(context, [stalled], []);
  const download = downloadFile(never.request.source.url, join(folder, "never"), limits);
  await assert.rejects(download, /nothing more came for 0\.1 s/);
  assert.equal(never.asked.length, 3);
});

test("an answer that asks for a pause gets it, unless it is a long one", async (context) => {
  const busy: Answer = (response) => response.writeHead(429, { "retry-after": "1" }).end();
  const origin = await serve(context, [busy, send(BINARY)], []);
  const start = performance.now();
  await origin.install({ checksum: sha256(BINARY) });
  assert.ok(performance.now() - start > 900);
  const closed: Answer = (response) => response.writeHead(503, { "retry-after": "61" }).end();
  const long = await serve(context, [closed], []);
  const failure = await refusal(long.install({ checksum: sha256(BINARY) }));
  assert.match(failure.message, /503, and the server wants no more requests for 61 s/);
  assert.equal(long.asked.length, 1);
});

test("Retry-After has seconds or a date; anything else is no pause", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const cases = [
    [undefined, 0],
    ["7", 7],
    [" 120 ", 120],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["soon", 0],
    ["-5", 0],
    ["1.5", 0],
    ["9".repeat(400), 0],
  ] as const;
  for (const [value, seconds] of cases) assert.equal(readRetryAfter(value, now), seconds, value);
});
