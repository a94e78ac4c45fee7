import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { access, mkdir, open, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { planSearch } from "../../../src/tools/path.ts";
import { makeFolder } from "../builders.ts";
import { BINARY, CHECKSUM, send, serve, sha256 } from "./origin.ts";

/** Creates folders for `PATH`, each filled by its function. */
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
  // A copy runs: files in PATH may change.
  assert.equal(installed.path, origin.path);
  await writeFile(join(folder, "kind"), "#!/bin/sh\necho fake\n");
  assert.match(execFileSync(origin.path, { encoding: "utf8" }), /^(real\n)+$/);
  assert.deepEqual(await readdir(join(origin.run, "bin")), ["kind"]);
  assert.match(origin.debugLines.join(), new RegExp(`a copy of ${folder}/kind`));
  assert.deepEqual(origin.lines, []);
});

test("the tool cache comes before PATH, and a wrong file in it does not prevent the use of PATH", async (context) => {
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

test("PATH is not searched if the catalog has no checksum", async (context) => {
  const origin = await serve(context, [send(BINARY)], [send(CHECKSUM)]);
  const [folder = ""] = await makePath(context, put(BINARY));
  const { origin: text } = await origin.install({}, folder);
  assert.match(text, /^downloaded from http:.*, not verified against the catalog, which has no checksum of it: /);
});

test("a file in PATH is never run, and one without the checksum is reported once and not used", async (context) => {
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
  // Once, no matter how many there are.
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

test("a file in PATH that may not be read is skipped", async (context) => {
  const origin = await serve(context, [send(BINARY)], []);
  const [folder = ""] = await makePath(context, put(BINARY, 0o000));
  const { origin: text, path } = await origin.install({ checksum: sha256(BINARY) }, folder);
  // root can read it anyway.
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

test("only absolute folders of PATH are searched, each once, and only a limited number", () => {
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
