import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const EXIT = JSON.stringify(join(import.meta.dirname, "../../../src/runner/exit.ts"));

/** A step that prints so much and exits. */
function print(bytes: number, exit = "exitWhenPrinted(7)") {
  const script = `
    const { exitWhenPrinted } = await import(${EXIT});
    console.log("x".repeat(${bytes}));
    console.log("the end");
    await ${exit};`;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
}

test("all that a step has printed is there when it has exited, to a reader that is late too", async () => {
  const child = print(5_000_000);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await sleep(1000);
  const printed = await text(child.stdout);
  assert.equal(printed.length, 5_000_000 + "\nthe end\n".length);
  assert.match(printed, /\nthe end\n$/);
  assert.equal(await ended, 7);
});

test("a step whose reader has gone exits too", async () => {
  const child = print(5_000_000);
  child.stdout.destroy();
  assert.equal(await new Promise<number | null>((resolve) => child.once("close", resolve)), 7);
});

test("a step that failed without a code of its own keeps the code that it has", async () => {
  const child = print(10, "(process.exitCode = 1, exitWhenPrinted())");
  assert.equal(await new Promise<number | null>((resolve) => child.once("close", resolve)), 1);
});
