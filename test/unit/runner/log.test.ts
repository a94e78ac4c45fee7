import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { toLogLines } from "../../../src/runner/log.ts";
import { makeFolder } from "../builders.ts";

const ROOT = join(import.meta.dirname, "../../..");
const execute = promisify(execFile);

/** What the runner reads as a command: `::` after blanks at the start of a line, `##[` anywhere; it ends lines at \r too. */
function commandsIn(printed: string): readonly string[] {
  return printed.split(/\r\n|\n|\r/).filter((line) => /^\s*::/.test(line) || /##\[/.test(line));
}

const ATTACKS = [
  "OK\n::stop-commands::x",
  "OK\r::add-mask::kind",
  "OK\r\n  ::error::forged",
  "a ##[error]forged",
  "\u2028::warning::x",
  "\u0085::warning::x",
  "\v::debug::x",
  "::SET-OUTPUT name=a::b",
  "##[group]x\n##[ENDGROUP]",
  "::add-mask::%0A::stop-commands::y",
  "\u001b[2K\r::notice::x",
];

/** Runs a test's code in a process of its own, as a step runs. @returns what it printed. */
async function print(folder: string, calls: string): Promise<string> {
  const file = join(folder, "step.ts");
  await writeFile(
    file,
    `import { createLog, failStep } from ${JSON.stringify(join(ROOT, "src/runner/log.ts"))};\n${calls}`,
  );
  const { stdout } = await execute(process.execPath, [file], { env: {} }).catch((error) => error);
  return String(stdout);
}

test("no text becomes a command to the runner, whichever way it is written", async (context) => {
  const folder = await makeFolder(context);
  const printed = await print(
    folder,
    `const log = createLog(); for (const text of ${JSON.stringify(ATTACKS)}) { log.info(text); log.plain(text); log.startGroup(text); }`,
  );
  const groups = commandsIn(printed).filter((line) => !line.startsWith("::group::"));
  assert.deepEqual(groups, []);
  assert.equal(commandsIn(printed).length, ATTACKS.length);
  const annotations = await print(
    folder,
    `const log = createLog(); for (const text of ${JSON.stringify(ATTACKS)}) { log.warning(text); log.debug(text); failStep(text); }`,
  );
  assert.equal(commandsIn(annotations).length, 3 * ATTACKS.length);
  assert.doesNotMatch(annotations, /##\[/);
});

test("lines that others wrote stay as they are, except for what the runner or a terminal would act on", () => {
  assert.deepEqual(toLogLines("a ✓\tb\r\nc\rd\n\ne"), ["a ✓\tb", "c", "d", "", "e"]);
  assert.deepEqual(toLogLines("a\u001b[31mred\u202e x"), ["a\ufffd[31mred\ufffd x"]);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const lines = toLogLines(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left.
      assert.ok(lines.every((line) => !/[\r\n\u0000-\u0008\u000b-\u001f]|##\[/.test(line)));
    }),
  );
});

test("in src, nothing writes to log, outputs, summary or an artifact but the one place for each", async () => {
  const folder = await mkdtemp(join(tmpdir(), "one-way-out-"));
  try {
    for (const path of ["biome.json", "lint"]) await cp(join(ROOT, path), join(folder, path), { recursive: true });
    await mkdir(join(folder, "src/torch"), { recursive: true });
    const ways = [
      'import { info } from "@actions/core";\ninfo("x");\n',
      'const core = await import("@actions/core");\ncore.info("x");\n',
      'import { DefaultArtifactClient } from "@actions/artifact";\nnew DefaultArtifactClient();\n',
      'console.log("x");\n',
      'process.stdout.write("x");\n',
      'const { stderr } = process;\nstderr.write("x");\n',
      'import { stdout } from "node:process";\nstdout.write("x");\n',
      'import { writeFileSync } from "node:fs";\nwriteFileSync(process.env.GITHUB_STEP_SUMMARY ?? "", "x");\n',
      "export const path = (environment: NodeJS.ProcessEnv) => environment.GITHUB_STEP_SUMMARY;\n",
      'export const path = process.env["GITHUB_ENV"];\n',
      'globalThis.process.stdout.write("x");\n',
      'process["stdout"].write("x");\n',
      'import { writeSync } from "node:fs";\nwriteSync(1, "x");\n',
      'import * as fs from "node:fs";\nfs.writeSync(2, "x");\n',
      'import { createWriteStream } from "node:fs";\ncreateWriteStream("/dev/stdout").write("x");\n',
      'import { spawn } from "node:child_process";\nspawn("x", { stdio: "inherit" });\n',
      'import { info } from "@actions/core/lib/core.js";\ninfo("x");\n',
    ];
    const lint = async (text: string) => {
      await writeFile(join(folder, "src/torch/other.ts"), text);
      const args = ["lint", "--vcs-enabled=false", "--error-on-warnings", "src"];
      return await execute(join(ROOT, "node_modules/.bin/biome"), args, { cwd: folder }).then(
        () => "nothing found",
        ({ stderr }) => String(stderr),
      );
    };
    assert.equal(await lint("export const x = 1;\n"), "nothing found");
    for (const way of ways) assert.match(await lint(way), /src\/torch\/other\.ts/, way);
  } finally {
    await rm(folder, { recursive: true });
  }
});
