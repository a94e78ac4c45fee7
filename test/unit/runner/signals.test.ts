import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

const SIGNALS = JSON.stringify(join(import.meta.dirname, "../../../src/runner/signals.ts"));

/** Runs a step that cleans up for a moment when it is stopped. @returns its lines, and how it ended. */
async function runUntilStopped(work: string, onStart: (pid: number) => void = () => undefined) {
  const script = `
    const { endWhenStopped } = await import(${SIGNALS});
    const ending = endWhenStopped(async (reason) => {
      console.log("end: " + reason.message);
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log("cleaned up");
    });
    console.log("started " + ending());
    ${work}
    setTimeout(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    if (line.startsWith("started")) onStart(child.pid ?? assert.fail("no process"));
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { lines, exitCode };
}

for (const [signal, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`a step that gets ${signal} cleans up, reports it and exits with ${expected}`, async () => {
    const { lines, exitCode } = await runUntilStopped("", (pid) => process.kill(pid, signal));
    assert.deepEqual(lines, ["started undefined", `end: The step was stopped (${signal}).`, "cleaned up"]);
    assert.equal(exitCode, expected);
  });
}

test("a failure that nothing waits for ends the step once, and a signal afterwards changes nothing", async () => {
  const { lines, exitCode } = await runUntilStopped(`
    Promise.reject(new Error("first"));
    Promise.reject(new Error("second"));
    setTimeout(() => process.kill(process.pid, "SIGTERM"), 50);`);
  assert.deepEqual(lines, ["started undefined", "end: first", "cleaned up"]);
  assert.equal(exitCode, 1);
});

test("post goes on when it is stopped, as often as that is", async () => {
  const script = `
    const { continueWhenStopped } = await import(${SIGNALS});
    continueWhenStopped((signal) => console.log("goes on: " + signal));
    for (const signal of ["SIGINT", "SIGTERM", "SIGTERM"]) {
      process.kill(process.pid, signal);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    console.log("done");`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  assert.deepEqual(lines, ["goes on: SIGINT", "goes on: SIGTERM", "goes on: SIGTERM", "done"]);
  assert.equal(exitCode, 0);
});
