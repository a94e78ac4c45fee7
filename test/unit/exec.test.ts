import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Command, CommandError, closeRun, createExec } from "../../src/exec.ts";
import { endProcesses } from "../../src/leftovers.ts";

let runs = 0;
/** The mark of a run that no other test has. */
const nextRun = () => `/run-of-unit-tests/${process.pid}-${runs++}`;

const shell = (script: string, overrides: Partial<Command> = {}): Command => ({
  file: "sh",
  args: ["-c", script],
  timeoutSeconds: 60,
  purpose: "trying",
  ...overrides,
});

async function failureOf(work: Promise<unknown>): Promise<CommandError> {
  const outcome = await work.then(
    () => assert.fail("it succeeded"),
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof CommandError, `${outcome}`);
  return outcome;
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const state = status.slice(status.lastIndexOf(")") + 2, status.lastIndexOf(")") + 3);
  return !["", "Z", "X"].includes(state);
}

async function untilEnded(pid: number): Promise<void> {
  while (await isRunning(pid)) await pause(10);
}

test("both streams are returned whole, apart, in UTF-8", async () => {
  const exec = createExec(nextRun());
  const { stdout, stderr } = await exec(shell("printf 'ö%.0s' $(seq 1 70000); printf err >&2"));
  assert.equal(stdout, "ö".repeat(70_000));
  assert.equal(stderr, "err");
});

test("lines of both streams are seen as they come, the last one without its end too", async () => {
  const lines: string[] = [];
  await createExec(nextRun())(shell("echo one; echo two >&2; printf three", { onLine: (line) => lines.push(line) }));
  assert.deepEqual(lines.toSorted(), ["one", "three", "two"]);
});

test("a command that writes too much is ended, and so is one whose line has no end", async () => {
  const exec = createExec(nextRun());
  const endless = (script: string) => failureOf(exec(shell(script, { maxOutputBytes: 1_000_000_000 })));
  assert.match((await endless("cat /dev/zero")).message, /sh printed a line that is too long$/);
  const much = await failureOf(exec(shell("yes", { maxOutputBytes: 1_000_000 })));
  assert.match(much.message, /sh printed too much$/);
  const long = await exec(shell("head -c 16000000 /dev/zero; echo; head -c 1000000 /dev/zero"));
  assert.equal(long.stdout.length, 17_000_001);
});

test("an argument is an argument: no shell reads it", async () => {
  const hostile = ["$(id)", "; exit 7", "a b", "", "*", "`id`", "--help", "'\""];
  const { stdout } = await createExec(nextRun())({
    file: process.execPath,
    args: ["-e", "console.log(JSON.stringify(process.argv.slice(1)))", "--", ...hostile],
    timeoutSeconds: 60,
    purpose: "trying",
  });
  assert.deepEqual(JSON.parse(stdout), hostile);
});

test("a command finds the end of its standard input at once", async () => {
  assert.equal((await createExec(nextRun())(shell("cat; echo end"))).stdout, "end\n");
});

test("a command that does not read its input is judged by its exit code", async () => {
  const exec = createExec(nextRun());
  for (let tries = 0; tries < 20; tries += 1) {
    await exec(shell("exec <&-; exit 0"));
    assert.equal((await failureOf(exec(shell("exec <&-; exit 3")))).exitCode, 3);
  }
});

test("a command reads one file and writes a new one, which only its owner reads, byte for byte and within its limit", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-exec-"));
  const [stdinFile, stdoutFile] = [join(folder, "in"), join(folder, "a file; with $signs")];
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
  await writeFile(stdinFile, bytes);
  const exec = createExec(nextRun());
  try {
    assert.equal((await exec(shell("cat; echo said >&2", { stdinFile, stdoutFile }))).stdout, "");
    assert.deepEqual(await readFile(stdoutFile), bytes);
    assert.equal((await stat(stdoutFile)).mode & 0o777, 0o600);
    assert.equal((await exec(shell("wc -c", { stdinFile }))).stdout.trim(), "70000");
    const taken = await failureOf(exec(shell("echo other", { stdoutFile })));
    assert.match(taken.message, /failed with exit code/);
    assert.deepEqual(await readFile(stdoutFile), bytes);
    const missing = await failureOf(exec(shell("cat", { stdinFile: join(folder, "missing") })));
    assert.match(missing.message, /failed with exit code/);
    for (const [name, script] of Object.entries({ endless: "yes", short: "head -c 200000 /dev/zero" })) {
      const limited = shell(script, { stdoutFile: join(folder, name), maxOutputBytes: 100_000 });
      assert.match((await failureOf(exec(limited))).message, /sh printed too much$/);
    }
    const failed = await failureOf(exec(shell("echo why >&2; exit 3", { stdoutFile: join(folder, "failed") })));
    assert.match(failed.message, /exit code 3: why$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a failure has the exit code, the purpose and the last words", async () => {
  const error = await failureOf(
    createExec(nextRun())(shell("echo out; for i in $(seq 1 50); do echo line $i >&2; done; exit 4")),
  );
  assert.equal(error.exitCode, 4);
  assert.match(error.message, /^trying: sh failed with exit code 4: /);
  assert.match(error.message, /line 50$/);
  assert.doesNotMatch(error.message, /line 1\n/);
  assert.equal(error.stdout, "out\n");
});

test("where nothing went to the error stream, the last words are the output's, be it a single one", async () => {
  assert.match((await failureOf(createExec(nextRun())(shell("echo so sorry; exit 1")))).message, /so sorry$/);
  assert.match((await failureOf(createExec(nextRun())(shell("echo EOF; exit 1")))).message, /EOF$/);
});

test("the error of a command that was killed names the signal", async () => {
  const error = await failureOf(createExec(nextRun())(shell("kill -TERM $$")));
  assert.equal(error.exitCode, 143);
  assert.match(error.message, /SIGTERM/);
});

test("a command that is not there is not installed", async () => {
  const error = await failureOf(createExec(nextRun())(shell("", { file: "no-such-command-anywhere" })));
  assert.match(error.message, /no-such-command-anywhere is not installed/);
  assert.equal(error.exitCode, undefined);
});

test("a file that cannot be executed is an error that names it", async () => {
  const error = await failureOf(createExec(nextRun())(shell("", { file: import.meta.filename })));
  assert.match(error.message, /exec\.test\.ts/);
});

test("the time limit ends a command with all that it started", async () => {
  const error = await failureOf(createExec(nextRun())(shell("sleep 300 & echo $!; wait", { timeoutSeconds: 0.3 })));
  assert.match(error.message, /timed out after 0\.3 s/);
  await untilEnded(Number(error.stdout));
});

test("the time limit holds where something that left the group keeps the streams open", async () => {
  const mark = nextRun();
  const script = "setsid sleep 300 & echo $!; wait";
  const error = await failureOf(createExec(mark)(shell(script, { timeoutSeconds: 0.3 })));
  assert.match(error.message, /timed out after 0\.3 s/);
  // What left the group is known by the command's mark.
  await untilEnded(Number(error.stdout));
  assert.equal(await endProcesses(mark), 0);
});

test("a signal ends a command, and one that came before keeps it from running to its end", async () => {
  const exec = createExec(nextRun());
  const stop = new AbortController();
  const seen: string[] = [];
  const onLine = (line: string) => {
    seen.push(line);
    stop.abort();
  };
  const error = await failureOf(exec(shell("sleep 300 & echo $!; wait", { signal: stop.signal, onLine })));
  assert.match(error.message, /was stopped/);
  await untilEnded(Number(seen[0]));
  assert.match((await failureOf(exec(shell("sleep 300", { signal: AbortSignal.abort() })))).message, /was stopped/);
});

test("a signal that comes after the end changes nothing", async () => {
  const stop = new AbortController();
  await createExec(nextRun())(shell("true", { signal: stop.signal }));
  stop.abort();
});

test("the environment is the runner's with what is given, and the run's mark", async () => {
  const mark = nextRun();
  const { stdout } = await createExec(mark)(
    shell('echo "$GIVEN $KIND_TORCH_RUN"; [ -n "$PATH" ]', { env: { GIVEN: "a b" } }),
  );
  assert.equal(stdout, `a b ${mark}\n`);
});

test("a process that outlived its parent is found by its run and ended, and another run's is not", async () => {
  const [mine, other] = [nextRun(), nextRun()];
  const outlive = "setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $!";
  const pidOf = async (mark: string) => Number((await createExec(mark)(shell(outlive))).stdout);
  const [ours, theirs, longer] = [await pidOf(mine), await pidOf(other), await pidOf(`${mine}0`)];
  try {
    assert.ok(await isRunning(ours));
    assert.equal(await endProcesses(mine), 1);
    await untilEnded(ours);
    assert.ok(await isRunning(theirs));
    assert.ok(await isRunning(longer), "a run whose folder merely begins alike is another");
    assert.equal(await endProcesses(mine), 0);
  } finally {
    await endProcesses(other);
    await endProcesses(`${mine}0`);
  }
  await Promise.all([theirs, longer].map(untilEnded));
});

test("nothing is started for a run that is being ended: what reacts to the end of its programs would start more", async () => {
  const [run, other] = [nextRun(), nextRun()];
  const exec = createExec(run);
  const first = failureOf(exec(shell("sleep 60")));
  await pause(300);
  closeRun(run);
  assert.ok((await endProcesses(run)) > 0);
  await first;
  assert.match((await failureOf(exec(shell("true")))).message, /trying: sh was stopped/);
  assert.equal((await createExec(other)(shell("echo goes on"))).stdout, "goes on\n");
});
