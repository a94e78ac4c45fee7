import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { outliveRestart } from "../../../src/docker/engine-restart.ts";
import { createExec, type Exec } from "../../../src/exec.ts";
import { makeFolder } from "../builders.ts";

const UNREACHED = [
  "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
  "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running",
];

/** A fake of Docker's client, by its contract: it fails with these words until it was called so many times. */
async function prepare(context: TestContext, words: string, failures: number) {
  const folder = await makeFolder(context);
  const calls = join(folder, "calls");
  const script = `#!/bin/sh\necho call >>'${calls}'\n[ $(wc -l <'${calls}') -gt ${failures} ] || { echo "${words}" >&2; exit 1; }\necho answer\n`;
  await writeFile(join(folder, "docker"), script, { mode: 0o755 });
  const start = createExec(folder);
  const lines: string[] = [];
  const exec: Exec = (command) =>
    start({ ...command, file: command.file === "docker" ? join(folder, "docker") : command.file });
  const log = { info: (line: string) => void lines.push(line) };
  const count = async () => (await readFile(calls, "utf8")).split("\n").length - 1;
  return { exec, log, lines, count };
}

const COMMAND = { file: "docker", args: ["ps"], timeoutSeconds: 30, purpose: "listing" };

test("Docker's client that does not reach its engine tries again, and that is said once", async (context) => {
  for (const words of UNREACHED) {
    const { exec, log, lines, count } = await prepare(context, words, 3);
    const patient = outliveRestart(exec, log, { everyMilliseconds: 10 });
    assert.equal((await patient(COMMAND)).stdout, "answer\n");
    assert.deepEqual([await count(), lines.length], [4, 1]);
    assert.match(lines[0] ?? "", /Docker Engine does not answer: waiting for it, at most 60 s/);
  }
});

test("an engine that does not come back is waited for once, not by each command", async (context) => {
  const { exec, log, lines, count } = await prepare(context, UNREACHED[0] ?? "", 1000);
  const patient = outliveRestart(exec, log, { everyMilliseconds: 10, seconds: 0.3 });
  await assert.rejects(patient(COMMAND), /Cannot connect/);
  const before = await count();
  assert.ok(before > 1);
  await assert.rejects(patient(COMMAND), /Cannot connect/);
  assert.equal(await count(), before + 1);
  assert.equal(lines.length, 1);
});

test("what an engine says, what another program says, and what was cut off on the way are not tried again", async (context) => {
  for (const words of ["Error response from daemon: no such container", "unexpected EOF"]) {
    const { exec, log, count } = await prepare(context, words, 1);
    await assert.rejects(outliveRestart(exec, log, { everyMilliseconds: 10 })(COMMAND));
    assert.equal(await count(), 1);
  }
  const { exec, log, lines } = await prepare(context, "", 0);
  const other = { ...COMMAND, file: "/bin/sh", args: ["-c", `echo '${UNREACHED[0]}' >&2; exit 1`] };
  await assert.rejects(outliveRestart(exec, log, { everyMilliseconds: 10 })(other));
  assert.deepEqual(lines, []);
});

test("an ended run waits for no engine", async (context) => {
  const { exec, log } = await prepare(context, UNREACHED[0] ?? "", 1000);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200);
  const patient = outliveRestart(exec, log, { everyMilliseconds: 10 });
  await assert.rejects(patient({ ...COMMAND, signal: stop.signal }));
});
