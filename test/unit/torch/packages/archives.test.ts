import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { TarError } from "../../../../src/inputs/tar-entries.ts";
import {
  archiveName,
  fingerprintOf,
  keepDraft,
  listArchives,
  parseArchiveName,
  removeArchives,
  removeStaleDrafts,
} from "../../../../src/torch/packages/archives.ts";
import { findCaches } from "../../../../src/torch/packages/find.ts";
import { hashLockFiles } from "../../../../src/torch/packages/lock.ts";
import { PACKAGE_TOOLS } from "../../../../src/torch/packages/plan.ts";
import { packTar } from "../../inputs/archives.ts";

const root = await mkdtemp(join(tmpdir(), "kind-torch-archives-"));
after(() => rm(root, { recursive: true }));
const newFolder = () => mkdtemp(join(root, "folder-"));

/** A log of which the lines can be read. */
function listen() {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const nothing = () => undefined;
  return {
    lines,
    log: { info: say, warning: say, plain: say, debug: nothing, startGroup: nothing, endGroup: nothing },
  };
}

test("drafts of machines that were lost are removed, and nothing else", async () => {
  const folder = await newFolder();
  const names = [".c-1.draft", ".c-2.draft", ".draft", "notes.draft", ".profile"];
  for (const name of names) await writeFile(join(folder, name), "half");
  await symlink(join(folder, "notes.draft"), join(folder, ".c-3.draft"));
  const before = new Date(Date.now() - 25 * 3600 * 1000);
  for (const name of names.filter((each) => each !== ".c-2.draft")) await utimes(join(folder, name), before, before);
  await removeStaleDrafts(folder);
  const left = await readdir(folder);
  assert.deepEqual(left.toSorted(), [".c-2.draft", ".c-3.draft", ".draft", ".profile", "notes.draft"]);
});

test("a name says what it was made from, and nothing else is one", () => {
  const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
  const name = fc.record({
    tool: fc.constantFrom(...PACKAGE_TOOLS),
    checksum: hex,
    lock: fc.option(hex, { nil: undefined }),
  });
  fc.assert(fc.property(name, (each) => assert.deepEqual(parseArchiveName(archiveName(each)), { ...each })));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseArchiveName(text);
      if (parsed !== undefined) assert.equal(archiveName(parsed), text);
    }),
  );
  const sum = "0".repeat(64);
  for (const bad of [
    "",
    "npm.tar",
    `yarn.${sum}.tar`,
    `../npm.${sum}.tar`,
    `npm.${sum}.tar.gz`,
    `.1.draft`,
    `npm.${sum}..tar`,
  ]) {
    assert.equal(parseArchiveName(bad), undefined, bad);
  }
});

test("the newest whole archive of each program counts; links, folders and other files do not", async () => {
  const folder = await newFolder();
  const name = (digit: string) => archiveName({ tool: "npm", checksum: digit.repeat(64), lock: undefined });
  await writeFile(join(folder, name("1")), "old");
  await utimes(join(folder, name("1")), 1, 1);
  await writeFile(join(folder, name("2")), "newer");
  await mkdir(join(folder, name("3")));
  await symlink("/etc/hostname", join(folder, name("4")));
  await writeFile(join(folder, "notes.txt"), "");
  assert.deepEqual(
    (await listArchives(folder)).map(({ path, bytes }) => [path, bytes]),
    [[join(folder, name("2")), 5]],
  );
});

test("a draft takes the name of its content, and older archives of the same program go", async () => {
  const folder = await newFolder();
  const keep = async (content: string, tool: "npm" | "pip", lock?: string) => {
    await writeFile(join(folder, ".draft"), content);
    await keepDraft(join(folder, ".draft"), folder, { tool, lock });
  };
  await keep("one", "npm");
  await keep("pip's", "pip");
  await keep("two", "npm", "a".repeat(64));
  const { lines, log } = listen();
  const found = await findCaches(folder, root, log);
  assert.deepEqual(
    [(await readdir(folder)).length, found.archives.map(({ tool }) => tool), lines],
    [2, ["npm", "pip"], []],
  );
  assert.equal(found.archives[0]?.lock, "a".repeat(64));
  await removeArchives(folder, "npm");
  assert.equal((await readdir(folder)).length, 1);
});

test("a damaged archive costs a line; so does a folder that is not one, and a missing one is created", async () => {
  const folder = await newFolder();
  const name = archiveName({ tool: "npm", checksum: "1".repeat(64), lock: undefined });
  await writeFile(join(folder, name), "x");
  const { lines, log } = listen();
  assert.deepEqual((await findCaches(folder, root, log)).archives, []);
  assert.match(lines.join(), /npm's package cache is not restored: .* is damaged: its checksum is another one$/);
  await rename(join(folder, name), join(folder, "file"));
  const unusable = await findCaches(join(folder, "file"), root, log);
  assert.deepEqual([unusable.archives, unusable.folder], [[], undefined]);
  assert.match(lines.join("\n"), /torch-package-cache: .*file cannot be used: /);
  assert.deepEqual((await findCaches(join(folder, "a/b"), root, log)).folder, join(folder, "a/b"));
});

test("a new package makes another fingerprint; the times of npm's index do not", async () => {
  const archive = join(root, "fingerprint.tar");
  const fingerprint = async (files: Readonly<Record<string, string>>) => {
    await packTar(archive, files);
    return await fingerprintOf(archive);
  };
  const content = { "_cacache/content-v2/sha512/aa/bb/cc": "package" };
  const before = await fingerprint({ ...content, "_cacache/index-v5/1": "time 1" });
  assert.equal(await fingerprint({ ...content, "_cacache/index-v5/1": "time 22", "_cacache/tmp/x": "" }), before);
  assert.notEqual(await fingerprint({ ...content, "_cacache/content-v2/sha512/aa/bb/dd": "" }), before);
  assert.notEqual(await fingerprint({ "_cacache/content-v2/sha512/aa/bb/cc": "cut" }), before);
  await writeFile(archive, "not a tar archive");
  await assert.rejects(fingerprintOf(archive), TarError);
});

test("npm's lock files are found in and below the context, with what they belong to", async () => {
  const folder = await newFolder();
  assert.equal(await hashLockFiles(folder), undefined);
  await mkdir(join(folder, "app/node_modules/x"), { recursive: true });
  await writeFile(join(folder, "app/node_modules/x/package-lock.json"), "{}");
  await writeFile(join(folder, "app/package.json"), "{}");
  await symlink("/etc/hostname", join(folder, "package-lock.json"));
  assert.equal(await hashLockFiles(folder), undefined);
  await writeFile(join(folder, "app/package-lock.json"), "{}");
  const first = await hashLockFiles(folder);
  assert.match(first ?? "", /^[0-9a-f]{64}$/);
  await writeFile(join(folder, "app/package.json"), "{ }");
  assert.notEqual(await hashLockFiles(folder), first);
});
