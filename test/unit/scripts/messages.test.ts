import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { comparable, type RecordedMessage, renderMessages } from "../../../scripts/docs/message-list.ts";
import { findTexts } from "../../../scripts/docs/source-texts.ts";

const ROOT = join(import.meta.dirname, "../../..");

function message(fields: Partial<RecordedMessage>): RecordedMessage {
  return { site: "src/inputs/inputs.ts", test: "a.test.ts: title", text: "is wrong. Allowed: 1 to 5.", ...fields };
}

function entries(...messages: readonly RecordedMessage[]): readonly string[] {
  return renderMessages(messages, new Map())
    .split("\n")
    .filter((line) => line.startsWith("- "));
}

test("a message is listed once, with an example, its test and the other inputs that can have it", () => {
  const fix = "write 1 to 5";
  const found = entries(
    message({ input: 'workers: "b"', fix }),
    message({ input: 'attempts: "a"', fix }),
    // What a parser says of a value is a part of what is said of the input.
    message({ site: "src/values/choices.ts", fix }),
  );
  assert.deepEqual(found, [
    '- `attempts: "a" is wrong. Allowed: 1 to 5. Fix: write 1 to 5.`<br>a: title; also for `workers`',
  ]);
});

test("messages that differ by more than their values are different ones", () => {
  const texts = [
    'The file "a" is lost.',
    'The file "b" is lost.',
    "The folder is lost.",
    "It failed: no",
    "It failed: yes",
  ];
  assert.equal(entries(...texts.map((text) => message({ text, fix: "look" }))).length, 3);
});

test("a document is compared without values, other programs' words and what each run chooses", () => {
  const at = (port: number, word: string) =>
    entries(message({ text: `GET http://127.0.0.1:${port} failed: git says: fatal: ${word}`, fix: "look" })).join("\n");
  assert.equal(at(40_001, "gone"), at(40_002, "gone"));
  assert.deepEqual(comparable(at(40_001, "one")), comparable(at(40_001, "two")));
  assert.notDeepEqual(comparable(at(40_001, "one")), comparable(at(40_001, "one").replace("look", "wait")));
});

test("the texts that no test makes are listed as the source has them", () => {
  const source = [
    `throw new Failure(\`The \${what ? \`big (\${size})\` : ""} one, lost.\`, {`,
    '  cause, fix: "find, it", retryable: false,',
    "});",
    'new Failure("reached")',
    "log.warning(warning);",
    "log.warning(describe(error, { deep: true }));",
  ].join("\n");
  assert.deepEqual(findTexts("src/a.ts", source), [
    { site: "src/a.ts:1", text: `The \${what ? \`big (\${size})\` : ""} one, lost. Fix: find, it.` },
    { site: "src/a.ts:4", text: "reached" },
    { site: "src/a.ts:6", text: `\${describe(error, { deep: true })}` },
  ]);
  const document = renderMessages([message({ site: "src/a.ts:4", text: "Reached." })], new Map([["src/a.ts", source]]));
  assert.doesNotMatch(document, /^- `reached`/m);
  assert.match(document, /## Messages without a unit test\n[\s\S]*`` The \$\{what/);
});

test("what a test makes src return or throw is recorded, and what a property tries is not", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-unit-"));
  context.after(() => rm(folder, { recursive: true }));
  const script = join(folder, "some.test.ts");
  await writeFile(
    script,
    [
      'import { test } from "node:test";',
      `import fc from ${JSON.stringify(import.meta.resolve("fast-check"))};`,
      `import { userName, clusterName } from ${JSON.stringify(join(ROOT, "src/values/names.ts"))};`,
      `import { readFolders } from ${JSON.stringify(join(ROOT, "src/runner/step.ts"))};`,
      'test("a name", () => { userName("-"); });',
      'test("a runner", () => { try { readFolders({}); } catch {} });',
      'test("a property", () => fc.assert(fc.property(fc.nat(), () => { clusterName("-"); })));',
    ].join("\n"),
  );
  const preload = join(ROOT, "scripts/docs/record-messages.ts");
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, MESSAGES_FOLDER: folder };
  await promisify(execFile)(process.execPath, [`--import=${preload}`, script], { env });
  const [file = ""] = (await readdir(folder)).filter((name) => name.endsWith(".jsonl"));
  const recorded = await readFile(join(folder, file), "utf8");
  assert.match(recorded, /"test":"[^"]*some\.test\.ts: a name","text":"cannot be a user's name/);
  assert.match(recorded, /"site":"src\/runner\/step\.ts:\d+","test":"[^"]*: a runner","text":"GITHUB_WORKSPACE/);
  assert.equal(recorded.split("\n").length, 2, recorded);
});
