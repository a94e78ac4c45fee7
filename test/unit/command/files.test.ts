import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { chooseFiles, findFiles } from "../../../src/command/files.ts";
import { patternWithin, readCommandInputs } from "../../../src/command/inputs.ts";
import { FOLDERS } from "../builders.ts";

test("patterns match regular files of the workspace; a folder stands for what is in it", async (context) => {
  const workspace = await mkdtemp(join(tmpdir(), "kind-torch-files-"));
  context.after(() => rm(workspace, { recursive: true }));
  const put = async (...paths: readonly string[]) => {
    for (const path of paths) {
      await mkdir(join(workspace, path, ".."), { recursive: true });
      await writeFile(join(workspace, path), "");
    }
  };
  await put(
    "a.xml",
    "reports/b.xml",
    "reports/deep/c.xml",
    "reports/deep/d.txt",
    ".git/config",
    'odd/a"b.txt',
    "odd/ok",
  );
  await symlink("/etc/passwd", join(workspace, "reports/passwd.xml"));
  await symlink("/etc", join(workspace, "etc"));
  await symlink("b.xml", join(workspace, "reports/same.xml"));
  await symlink("reports", join(workspace, "linked"));
  execFileSync("mkfifo", [join(workspace, "reports/fifo.xml")]);
  const find = async (patterns: readonly string[], most = 100) => {
    const all = patterns.map((pattern) => join(workspace, pattern));
    const found = await findFiles(workspace, all, most);
    const name = (path: string) => relative(workspace, path);
    return { ...found, files: found.files.map(name), unmatched: found.unmatched.map(name) };
  };
  const { files, unmatched, outside } = await find(["**/*.xml", "nothing/*"]);
  assert.deepEqual(files, ["a.xml", "reports/b.xml", "reports/deep/c.xml", "reports/same.xml"]);
  assert.deepEqual([unmatched, outside], [["nothing/*"], 1]);
  assert.deepEqual((await find(["reports"])).files, [
    "reports/b.xml",
    "reports/deep/c.xml",
    "reports/deep/d.txt",
    "reports/same.xml",
  ]);
  assert.deepEqual((await find(["etc/passwd"])).files, []);
  assert.deepEqual((await find(["etc"])).files, []);
  const everything = (await find(["."])).files;
  assert.ok(everything.includes("a.xml") && !everything.some((path) => path.startsWith(".git/")), everything.join());
  const some = await find(["**/*.xml"], 2);
  assert.deepEqual([some.files.length, some.more], [2, true]);
  const { content, refused } = chooseFiles(workspace, (await findFiles(workspace, [join(workspace, "odd")], 9)).files);
  assert.deepEqual([content.files, refused], [[join(workspace, "odd/ok")], 1]);
});

test("a pattern that leads out of the workspace is a problem, and so is one without a command", () => {
  const parse = patternWithin("/home/runner/caller");
  for (const text of ["/etc/passwd", "../other/*.xml", "reports/../../x", "/"]) {
    const read = parse(text);
    assert.ok("issue" in read, text);
  }
  for (const text of ["reports/**/*.xml", ".", "/home/runner/caller/a.xml", "a..b"])
    assert.ok("value" in parse(text), text);
  const inputs = { "INPUT_HAS-COMMAND": "false", INPUT_RESULTS: "a.xml, ../b.xml\n/c", INPUT_ARTIFACTS: "logs" };
  const { problems } = readCommandInputs(inputs, FOLDERS);
  assert.deepEqual(
    problems.map(({ input, value }) => [input, value]),
    [
      ["results", "../b.xml"],
      ["results", "/c"],
      ["results", "a.xml, ../b.xml\n/c"],
      ["artifacts", "logs"],
    ],
  );
});
