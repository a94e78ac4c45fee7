import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { ALONE, LONG, WITH_TORCH } from "../lanes.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Modules of the end-to-end tests that compare everything that Docker has before a run and after it. */
const SEES_ALL = /from "\.\/(?:fault|left)\.ts"/;

test("the end-to-end files that look at all of Docker's objects are in ALONE, and every name is a file's", async () => {
  const files: string[] = [];
  for await (const file of glob("test/e2e/*.test.ts", { cwd: ROOT })) {
    const name = basename(file, ".test.ts");
    files.push(name);
    if (SEES_ALL.test(await readFile(join(ROOT, file), "utf8"))) assert.ok(ALONE.includes(name), `${name} runs alone`);
  }
  for (const name of [...WITH_TORCH, ...ALONE, ...LONG]) assert.ok(files.includes(name), `${name} is a file`);
  assert.deepEqual(
    WITH_TORCH.filter((name) => ALONE.includes(name)),
    [],
  );
});
