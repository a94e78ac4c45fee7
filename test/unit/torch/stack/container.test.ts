import assert from "node:assert/strict";
import { test } from "node:test";
import { findEnd, hasNoProgram } from "../../../../src/torch/stack/container.ts";

test("a container whose script went on to sleep forever has no program", () => {
  const cases: readonly (readonly [readonly string[], boolean])[] = [
    [["/bin/sh /start.sh", "sleep infinity"], true],
    [["bash -e ./start-dashboard.sh", "/usr/bin/sleep inf"], true],
    [["tini -- sh start.sh", "sh start.sh", "tail -f /dev/null"], true],
    [["/sbin/docker-init -- /start.sh", "/bin/bash /start.sh", "sleep infinity"], true],
    [["sleep infinity"], true],
    [["/bin/sh /start.sh", "sleep infinity", "php artisan serve --host=0.0.0.0"], false],
    [["/bin/sh /start.sh", "sleep infinity", "/usr/bin/php8.2 -S 0.0.0.0:8000"], false],
    [["/bin/sh /start.sh", "composer install"], false],
    // A script that pauses goes on.
    [["/bin/sh /start.sh", "sleep 15"], false],
    [["/bin/sh /start.sh"], false],
    [["java -jar broker.jar"], false],
    [["tail -f /var/log/php.log", "/bin/sh /start.sh"], false],
    [[], false],
  ];
  for (const [commands, expected] of cases) assert.equal(hasNoProgram(commands), expected, commands.join(" | "));
});

test("a program that has ended and is still listed does not count", () => {
  assert.equal(hasNoProgram(["sleep infinity", "[php] <defunct>"]), true);
  assert.equal(hasNoProgram(["[php] <defunct>"]), false);
});

test("busybox counts as a shell only if it runs as one", () => {
  assert.equal(hasNoProgram(["busybox sh /start.sh", "sleep infinity"]), true);
  assert.equal(hasNoProgram(["/bin/sh /start.sh", "busybox httpd -f -p 8000", "sleep infinity"]), false);
});

test("a container that has ended, was removed or keeps ending will not serve", () => {
  const state = { status: "running", exitCode: 0, restarts: 0, outOfMemory: false, startedAt: "" };
  const cases: readonly (readonly [Partial<typeof state>, string | undefined])[] = [
    [{}, undefined],
    [{ status: "created" }, undefined],
    [{ status: "restarting", restarts: 2, exitCode: 1 }, undefined],
    [{ status: "restarting", restarts: 3, exitCode: 1 }, "keeps ending (3 restarts, exit code 1)"],
    [{ status: "running", restarts: 3 }, "keeps ending (3 restarts, exit code 0)"],
    [{ status: "exited", exitCode: 1 }, "ended (exit code 1)"],
    [
      { status: "exited", exitCode: 137, outOfMemory: true },
      "ended (exit code 137, killed because the machine ran out of memory)",
    ],
    [{ status: "dead", exitCode: 2 }, "ended (exit code 2)"],
    [{ status: "absent" }, "was removed"],
  ];
  for (const [overrides, expected] of cases) assert.equal(findEnd({ ...state, ...overrides }), expected);
});
