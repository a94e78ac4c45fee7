import assert from "node:assert/strict";
import { test } from "node:test";
import { describeCaches, megabytes, type ToolState } from "../../../../src/torch/packages/words.ts";

const state = (tool: ToolState["tool"], kept: boolean): ToolState => ({
  ...{ tool, bytes: 31_000_000, fingerprint: `of ${tool}` },
  state: kept ? "kept" : "unchanged",
});
const hash = (text: string) => Buffer.from(text).toString("hex").padEnd(64, "0");

test("the line says what was restored and what was kept", () => {
  const restored = [{ tool: "npm", bytes: 31_000_000 } as const];
  const text = (...args: Parameters<typeof describeCaches>) => describeCaches(...args).text;
  assert.equal(text([], [state("npm", true)], hash), "no package caches restored; kept: npm 31 MB");
  assert.equal(text(restored, [state("npm", false)], hash), "package caches of 31 MB restored (npm); unchanged");
  assert.equal(text(restored, [], hash), "package caches of 31 MB restored (npm); none kept");
  const both = [state("npm", false), state("pip", true)];
  assert.equal(text(restored, both, hash), "package caches of 31 MB restored (npm); kept: pip 31 MB");
});

test("the key is empty where nothing has changed, and stands for all caches where one has", () => {
  assert.equal(describeCaches([], [state("npm", false)], hash).key, "");
  const key = describeCaches([], [state("pip", true), state("npm", false)], hash).key;
  assert.match(key, /^[0-9a-f]{16}$/);
  assert.equal(describeCaches([], [state("npm", true), state("pip", true)], hash).key, key);
});

test("sizes are those that people read", () => {
  assert.deepEqual([0, 1, 411_136, 950_000, 2_147_483_648].map(megabytes), [
    "0 kB",
    "1 kB",
    "412 kB",
    "1 MB",
    "2147 MB",
  ]);
});
