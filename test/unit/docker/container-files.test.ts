import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { packFolder, readTarFile } from "../../../src/docker/container-files.ts";
import { makeFolder } from "../builders.ts";

for (const format of ["ustar", "pax", "gnu"]) {
  test(`the file of a real archive (${format}) is read whole, with its time`, async (context) => {
    const folder = await makeFolder(context);
    const files = {
      "a-logs.txt": `SEVERE: é\n${"x".repeat(700)}\n`,
      "empty.log": "",
      "block.log": "y".repeat(512),
      [`${"n".repeat(90)}.log`]: "z",
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text);
      await utimes(join(folder, name), 1_700_000_000.25, 1_700_000_000.25);
      const tar = execFileSync("tar", [`--format=${format}`, "-C", folder, "-cf", "-", name]);
      assert.deepEqual(readTarFile(tar), { text, writtenAt: 1_700_000_000_000 }, name);
    }
  });
}

test("extended headers are passed over, as those of a long name", async (context) => {
  const folder = await makeFolder(context);
  const name = `${"n".repeat(150)}.log`;
  await writeFile(join(folder, name), "text");
  const tar = execFileSync("tar", ["--format=pax", "-C", folder, "-cf", "-", name]);
  assert.equal(String.fromCharCode(tar[156] ?? 0), "x", "the archive begins with an extended header");
  assert.equal(readTarFile(tar)?.text, "text");
});

test("a folder, a link and what is no archive hold no file", async (context) => {
  const folder = await makeFolder(context);
  await mkdir(join(folder, "d"));
  await symlink("/etc/passwd", join(folder, "l"));
  for (const name of ["d", "l"]) {
    assert.equal(readTarFile(execFileSync("tar", ["-C", folder, "-cf", "-", name])), undefined, name);
  }
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(511), Buffer.from("text")]) {
    assert.equal(readTarFile(bytes), undefined);
  }
});

test("no bytes make the reader of archives throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2048, size: "max" }), (bytes) => void readTarFile(Buffer.from(bytes))),
  );
});

test("the archive of a folder is one that tar reads: empty, root's, with its mode", async (context) => {
  const file = join(await makeFolder(context), "a.tar");
  await writeFile(file, packFolder("torch-packages", 0o777));
  const listed = execFileSync("tar", ["--numeric-owner", "-tvf", file], { encoding: "utf8" });
  assert.match(listed, /^drwxrwxrwx 0\/0 .* torch-packages\/?\n$/);
});
