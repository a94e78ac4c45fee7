import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { identifyProcess } from "../../src/leftovers.ts";
import { endUnfinished } from "../../src/unfinished.ts";
import { makeFolder } from "./builders.ts";
import { STATE } from "./journal.ts";

test("a main that goes on after its step is ended, and its run is found by it, and no other", async (context) => {
  const temp = await makeFolder(context);
  const child = spawn("sleep", ["60"]);
  context.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  const main = identifyProcess(child.pid ?? 0) ?? assert.fail("no process");
  const write = async (name: string, state: object) => {
    await mkdir(join(temp, name));
    await writeFile(join(temp, name, "run.json"), JSON.stringify({ ...STATE, ...state }));
  };
  await write("kind-torch-other-1", { main: { ...main, start: "1" } });
  await write("kind-torch-own-2", { main });
  await mkdir(join(temp, "kind-torch-empty-3"));
  await write("something-else", { main });
  const ended = once(child, "exit");
  assert.equal(await endUnfinished(main, temp), join(temp, "kind-torch-own-2"));
  await ended;
  assert.equal(await readFile(`/proc/${main.pid}/stat`, "utf8").catch(() => ""), "");
});

test("one that was ended before it made anything leaves nothing to do", async (context) => {
  const temp = await makeFolder(context);
  assert.equal(await endUnfinished({ pid: 1, start: "no process started then" }, temp), undefined);
});
