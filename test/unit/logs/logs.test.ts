import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { createExec } from "../../../src/exec.ts";
import { limitExec } from "../../../src/logs/collect.ts";
import { makeLogFolder, openLogFolder, toFileName } from "../../../src/logs/folder.ts";
import { parsePodLogs } from "../../../src/logs/nodes.ts";
import { hide } from "../../../src/runner/mask.ts";
import { makeFolder } from "../builders.ts";

test("the folder of logs is new, has a name that cannot be guessed, and is readable only by its owner", async (context) => {
  const parent = await makeFolder(context);
  await mkdir(join(parent, "kind-logs-c"), { mode: 0o777 });
  const [one, two] = [await makeLogFolder(parent, "kind-logs-c"), await makeLogFolder(parent, "kind-logs-c")];
  assert.notEqual(one, two);
  assert.equal((await stat(one)).mode & 0o777, 0o700);
  const folder = openLogFolder(one);
  await folder.keep(["node", "pods", "a.log"], "x");
  const [file = ""] = folder.files;
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(dirname(file))).mode & 0o777, 0o700);
});

test("other files in the folder are not among its files, and a link is not written through", async (context) => {
  const path = await makeLogFolder(await makeFolder(context), "logs");
  const outside = join(dirname(path), "outside");
  await writeFile(outside, "kept");
  await symlink(outside, join(path, "a.log"));
  const folder = openLogFolder(path);
  await folder.keep(["a.log"], "new");
  assert.equal(await readFile(outside, "utf8"), "kept");
  assert.deepEqual(
    folder.files.map((file) => relative(path, file)),
    ["2-a.log"],
  );
});

test("no name leads out of the folder, and two that look alike are two files", async (context) => {
  const path = await makeLogFolder(await makeFolder(context), "logs");
  const folder = openLogFolder(path, ["..", "x"]);
  for (const name of ["..", ".", "", "../../a", "/etc/passwd", "a/b", "a\\b", "-rf", ".bashrc", "a\nb", "\0"]) {
    await folder.keep(["..", name, name], name);
  }
  for (const file of folder.files) assert.match(relative(path, file), /^[^.]/);
  assert.equal(new Set(folder.files).size, 11);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
      assert.match(toFileName(name), /^[\w@][\w.@-]{0,150}$/);
    }),
  );
});

test("no file holds a secret that the run knows, in any usual form, nor what looks like one", async (context) => {
  const path = await makeLogFolder(await makeFolder(context), "logs");
  const password = 'p@ss/w0rd-+é"x';
  hide(password);
  const bytes = Buffer.from(password);
  const forms = [
    password,
    encodeURIComponent(password),
    JSON.stringify(password),
    bytes.toString("hex"),
    bytes.toString("base64"),
    Buffer.from(`user:${password}`).toString("base64"),
    Buffer.from(`u:${password}@`).toString("base64url"),
    Buffer.from(`us:${password}!!`).toString("base64url"),
  ];
  const folder = openLogFolder(path);
  for (const form of forms) {
    await folder.keep(["form.log"], `before ${form} after`);
    await folder.keepJson(["form.json"], { text: `before ${form} after` });
  }
  await folder.keepJson(["inspect.json"], [{ Config: { Env: ["HTTP_PROXY=http://user:geheim77@proxy:3128", "A=1"] } }]);
  const texts = await Promise.all(folder.files.map((file) => readFile(file, "utf8")));
  for (const text of texts.slice(0, -1)) assert.match(text, /before "?\[redacted\]|before \S*\[redacted\]/, text);
  assert.doesNotMatch(texts.at(-1) ?? "", /geheim77/);
  assert.deepEqual((await readdir(path)).length, folder.files.length);
});

test("pods' logs are read from lines of base64, and nothing else is", () => {
  const line = (path: string, text: string) =>
    [path, text].map((each) => Buffer.from(each).toString("base64")).join(" ");
  const nasty = "kube-system_x/../../../etc/c\n d/0.log";
  assert.deepEqual(parsePodLogs(`${line("./a/0.log", "one\ntwo")}\nnoise ::\n${line(nasty, "")}\n`), [
    { path: "./a/0.log", text: "one\ntwo" },
    { path: nasty, text: "" },
  ]);
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(parsePodLogs(text))));
});

test("a key at the place where a long text is cut is not left without its first line", async (context) => {
  const folder = openLogFolder(await makeLogFolder(await makeFolder(context), "logs"));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const data = Buffer.from(key).toString("base64");
  const rest = ".\n".repeat(4 * 1024 * 1024);
  await folder.keep(["a.log"], `${key}${rest.slice(1000)}`);
  await folder.keep(["b.log"], `${data}${rest.slice(1000)}`);
  for (const file of folder.files) {
    const text = await readFile(file, "utf8");
    for (const line of [...key.split("\n").slice(-6, -2), data.slice(-200, -100)])
      assert.ok(!text.includes(line), file);
  }
});

test("no command is started for which the time is over, and a running one ends with it", async (context) => {
  const exec = createExec(await makeFolder(context));
  const command = { file: "sleep", args: ["60"], timeoutSeconds: 60, purpose: "sleeping" };
  await assert.rejects(limitExec(exec, performance.now() - 1)(command), /sleeping: not done/);
  await assert.rejects(limitExec(exec, performance.now() + 500)(command), /timed out after 1 s/);
});
