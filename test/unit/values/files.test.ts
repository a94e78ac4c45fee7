import assert from "node:assert/strict";
import { mkdir, realpath, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { makeFolders, resolveAhead } from "../../../src/values/files.ts";
import { makeFolder } from "../builders.ts";

test("a path leads to where the system says it does, whatever links there are", async (context) => {
  const root = await realpath(await makeFolder(context));
  await mkdir(join(root, "a/b/c"), { recursive: true });
  await mkdir(join(root, "d"));
  const links = {
    "a/up": "..",
    "a/b/abs": join(root, "d"),
    "d/rel": "../a/./b",
    "d/self": ".",
    "a/b/c/two": "../../../d/rel",
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
  const part = fc.constantFrom("a", "b", "c", "d", "up", "abs", "rel", "self", "two");
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 7 }), async (parts) => {
      const path = join(root, ...parts);
      const expected = await realpath(path).catch(() => undefined);
      const { real } = await resolveAhead(path);
      if (expected !== undefined) assert.equal(real, expected);
      else assert.ok(real.startsWith(root));
    }),
  );
});

test("folders are made with those that they lie in, and an error is the system's own", async (context) => {
  const root = await makeFolder(context);
  await makeFolders(join(root, "a/b/c"), 0o700);
  assert.equal((await stat(join(root, "a/b"))).mode & 0o777, 0o700);
  await makeFolders(join(root, "a/b/c"), 0o700);
  await writeFile(join(root, "file"), "");
  await assert.rejects(makeFolders(join(root, "file/x"), 0o700), /ENOTDIR/);
  await assert.rejects(makeFolders("/proc/none/x", 0o700), /ENOENT.*mkdir '\/proc\/none'/);
  const many = Array.from({ length: 20 }, (_, index) => makeFolders(join(root, `at/once/${index % 3}`), 0o700));
  await Promise.all(many);
});
