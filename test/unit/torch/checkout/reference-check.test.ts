// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of compose are written in text.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkReferences } from "../../../../src/torch/checkout/reference-check.ts";
import { makeFolder, only } from "../../builders.ts";

/** What is reported of a compose file in `a/b` of a checkout, with a file of secrets beside the checkout. */
async function referenceReasons(
  context: TestContext,
  compose: string | Buffer,
  files: Readonly<Record<string, string>> = {},
  links: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await makeFolder(context);
  const root = join(folder, "torch");
  await mkdir(join(root, "a/b"), { recursive: true });
  await writeFile(join(folder, "secret"), "TOKEN=x\n");
  await writeFile(join(root, "a/b/compose.yaml"), compose);
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, "a/b", name), text);
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, "a/b", name));
  const issues = await checkReferences(root, join(root, "a/b/compose.yaml"));
  return issues.map(({ reason }) => reason).join("\n");
}

const PROCESS = `/proc/${process.pid}/environ`;
const SERVICES = "services:\n  web:\n    image: x\n";
const OUT = /leads out of the checkout/;

test("a compose file lets compose read nothing that lies elsewhere, whichever key names it", async (context) => {
  const cases: readonly (readonly [string, string])[] = [
    [`${SERVICES}    env_file: ${PROCESS}`, "services.web.env_file"],
    [`${SERVICES}    env_file: [a.env, ../../../secret]`, "services.web.env_file"],
    [`${SERVICES}    env_file: [{ path: ${PROCESS}, required: false }]`, "services.web.env_file"],
    [`x: &x { env_file: ${PROCESS} }\n${SERVICES}    <<: *x`, "services.web.env_file"],
    [`${SERVICES}    label_file: [${PROCESS}]`, "services.web.label_file"],
    [`${SERVICES}    extends: { file: ../../../secret, service: a }`, "services.web.extends"],
    [`include: [../../../secret]\n${SERVICES}`, "include"],
    [`include: ../../../secret\n${SERVICES}`, "include"],
    [`include: [{ path: [other.yaml, ../../../secret] }]\n${SERVICES}`, "include.path"],
    [`include: [{ path: other.yaml, env_file: ${PROCESS} }]\n${SERVICES}`, "include.env_file"],
    [
      `include: [{ path: plain.yaml, project_directory: ../../.. }]\n${SERVICES}    env_file: x`,
      "services.in.env_file",
    ],
    [`include: [other.yaml]\n${SERVICES}`, "services.other.env_file in a/b/other.yaml"],
    [`${SERVICES}    extends: { file: other.yaml, service: other }`, "services.other.env_file in a/b/other.yaml"],
  ];
  const files = {
    "a.env": "A=1\n",
    "other.yaml": `services: { other: { image: x, env_file: ["${PROCESS}"] } }\n`,
    "plain.yaml": "services: { in: { image: x, env_file: secret } }\n",
  };
  for (const [compose, key] of cases) {
    const reasons = await referenceReasons(context, compose, files);
    assert.match(reasons, OUT, compose);
    assert.ok(reasons.includes(`has ${key} `) || reasons.includes(`has ${key}: `), reasons);
  }
});

test("no link, also not at .env, leads compose out of the checkout", async (context) => {
  for (const target of [PROCESS, "../../../secret"]) {
    assert.match(await referenceReasons(context, SERVICES, {}, { ".env": target }), OUT);
    assert.match(await referenceReasons(context, `${SERVICES}    env_file: x.env`, {}, { "x.env": target }), OUT);
  }
  assert.match(
    await referenceReasons(context, `${SERVICES}    env_file: .git`, { ".git": "extraheader=token" }),
    /is git's own/,
  );
  const pipe = join(await makeFolder(context), "pipe");
  execFileSync("mkfifo", [pipe]);
  const root = join(pipe, "..");
  await writeFile(join(root, "compose.yaml"), `${SERVICES}    env_file: pipe`);
  await mkdir(join(root, ".env"));
  const issues = await checkReferences(root, join(root, "compose.yaml"));
  assert.match(only(issues).reason, /services\.web\.env_file in compose\.yaml: .*pipe, which is not a regular file/);
  const home = await makeFolder(context);
  await writeFile(join(home, "credentials"), "TOKEN=x\n");
  const before = process.env.HOME;
  process.env.HOME = home;
  context.after(() => {
    if (before === undefined) delete process.env.HOME;
    else process.env.HOME = before;
  });
  assert.match(await referenceReasons(context, `${SERVICES}    env_file: ~/credentials`), OUT);
});

test("a path that depends on a variable is refused: what it becomes is not known", async (context) => {
  for (const path of ["${X:-/proc/1/environ}", "$X", "a/${X}.env"]) {
    assert.match(await referenceReasons(context, `${SERVICES}    env_file: "${path}"`), /depends on a variable/);
    assert.match(await referenceReasons(context, `include: ["${path}"]\n${SERVICES}`), /depends on a variable/);
  }
});

test("nothing is hidden from the check that compose would read", async (context) => {
  const hidden = `env_file: ${PROCESS}`;
  const cases: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ["UTF-16", Buffer.from(`\ufeff${SERVICES}    ${hidden}`, "utf16le"), /UTF-8/],
    ["a tag", `${SERVICES}    env_file: !!binary ${Buffer.from(PROCESS).toString("base64")}`, /!!binary/],
    ["a tag of a key", `${SERVICES}    !!binary ${Buffer.from("env_file").toString("base64")}: ${PROCESS}`, /!!binary/],
    ["a second document", `${SERVICES}---\n${SERVICES}    ${hidden}`, /has a second YAML document/],
    ...["\r", "\u0085", "\u2028", "\u2029"].map(
      (sign) => [JSON.stringify(sign), `${SERVICES}    # x${sign}    ${hidden}`, /line break/] as const,
    ),
    ["a circle of aliases", "a: &a [*a]", /cannot be expanded/],
  ];
  for (const [what, compose, reason] of cases) assert.match(await referenceReasons(context, compose), reason, what);
});

test("what lies in the checkout may be read by compose, which itself reports what does not exist", async (context) => {
  const compose = [
    "include: [other.yaml, { path: [other.yaml], env_file: [a.env], project_directory: . }]",
    `${SERVICES}    env_file: [a.env, linked.env, ../b/a.env, { path: none.env, required: false }]`,
    "    extends: { file: other.yaml, service: base }",
    "  two:\n    extends: web\n    environment: !reset null",
  ].join("\n");
  const files = {
    "a.env": "A=1\n",
    ".env": "",
    "other.yaml": "include: [compose.yaml]\nservices: { base: { image: x } }",
  };
  assert.equal(await referenceReasons(context, compose, files, { "linked.env": "a.env" }), "");
  assert.equal(await referenceReasons(context, compose.replaceAll("\n", "\r\n"), files, { "linked.env": "a.env" }), "");
});

test("a chain of compose files ends", async (context) => {
  const files = Object.fromEntries(
    Array.from({ length: 80 }, (_, index) => [`${index}.yaml`, `include: [${index + 1}.yaml]\n`]),
  );
  assert.match(await referenceReasons(context, "include: [0.yaml]", files), /more than 50 compose files/);
  const many = Array.from({ length: 201 }, (_, index) => `${index}.env`).join(", ");
  assert.match(await referenceReasons(context, `${SERVICES}    env_file: [${many}]`), /more files than are checked/);
  const wide = Array.from({ length: 100 }, (_, index) => `{ path: p, project_directory: "${index}" }`).join(", ");
  assert.match(await referenceReasons(context, `include: [${wide}]`), /names more than 10000 files/);
  const large = { "0.yaml": `#${"x".repeat(600_000)}` };
  assert.match(await referenceReasons(context, "include: [0.yaml]", large), /a\/b\/0\.yaml, which is larger than/);
});
