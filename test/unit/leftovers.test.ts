import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { endProcess, identifyProcess, readStart } from "../../src/leftovers.ts";

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
