import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { askMarked, endMarked, endProcess, identifyProcess, readStart } from "../../src/leftovers.ts";

test("a process is ended by its id and its start, and not another one that has its id", async () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const ended = once(child, "exit");
  const found = identifyProcess(child.pid ?? assert.fail());
  assert.ok(found);
  assert.equal(await endProcess({ ...found, start: `${found.start}0` }), false);
  assert.equal(child.exitCode ?? child.signalCode, null);
  assert.equal(await endProcess(found), true);
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  assert.equal(await endProcess(found), false);
});

test("a process whose name has spaces and parentheses is identified, and one that is not there is not", () => {
  const [own, again] = [identifyProcess(process.pid), identifyProcess(process.pid)];
  assert.match(own?.start ?? "", /^\d+$/);
  assert.deepEqual(own, again);
  assert.equal(readStart(`7 (a) b (c)) S ${Array.from({ length: 18 }, (_, index) => index).join(" ")} 4711 0`), "4711");
  assert.equal(readStart(`7 (gone) Z ${Array.from({ length: 18 }, (_, index) => index).join(" ")} 4711 0`), undefined);
  assert.equal(identifyProcess(2 ** 30), undefined);
});

test("processes with a mark are asked to end; one that does not is there until it is killed", async () => {
  const mark = `${process.pid}-${performance.now()}`;
  const begin = (script: string) =>
    spawn("bash", ["-c", script], { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, UNIT_MARK: mark } });
  const ready = (child: ReturnType<typeof begin>) => once(child.stdout ?? assert.fail(), "data");
  const willing = begin("trap 'exit 7' TERM; echo; while :; do sleep 0.05; done");
  await ready(willing);
  const ended = once(willing, "exit");
  assert.ok((await askMarked("UNIT_MARK", mark, 10)) > 0);
  assert.deepEqual(await ended, [7, null]);
  assert.equal(await askMarked("UNIT_MARK", mark, 10), 0);
  const stubborn = begin("trap '' TERM; echo; while :; do sleep 0.05; done");
  await ready(stubborn);
  const killed = once(stubborn, "exit");
  assert.ok((await askMarked("UNIT_MARK", mark, 0.3)) > 0);
  assert.equal(stubborn.exitCode ?? stubborn.signalCode, null);
  assert.ok((await endMarked("UNIT_MARK", mark)) > 0);
  assert.deepEqual(await killed, [null, "SIGKILL"]);
});
