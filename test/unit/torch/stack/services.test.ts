import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findEnd, hasNoProgram } from "../../../../src/torch/stack/container.ts";
import { readDiscovery } from "../../../../src/torch/stack/services.ts";
import { runBounded } from "../../bounded.ts";

const CONNECTORS = [
  "InstantiateLocation-manual-kubernetes",
  "AddStorage-kubernetes",
  "InstantiateVolume-kubernetes",
  "InstantiateLocation-liqo",
  "InstantiateDU-kubernetes",
  "InstantiateDU-liqo",
];

test("connectors are counted by their names, and where they have none by the lines", () => {
  const lines = (count: number, line: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => line(at)).join("\n");
  const cases: readonly (readonly [string, string, number])[] = [
    ["nothing", "", 0],
    ["other lines", "Server started\ndiscovery begins\nInstantiateDU-kubernetes discovered\n", 0],
    ["one each", `Server started\n${CONNECTORS.map((name) => `${name} discovery succeeded`).join("\n")}\n`, 6],
    ["a name twice", "a-b discovery succeeded\na-b discovery succeeded\nc-d discovery succeeded", 2],
    ["identical lines", lines(6, () => "Service discovery succeeded"), 6],
    ["identical lines with a level", lines(6, () => "INFO: Service discovery succeeded"), 6],
    [
      "one connector at six times",
      lines(6, (at) => `2026-11-25 10:00:0${at} AddStorage-kubernetes discovery succeeded`),
      1,
    ],
    ["six connectors at six times", lines(6, (at) => `10:00:0${at} INFO ${CONNECTORS[at]} discovery succeeded`), 6],
    ["names and none", "a-b discovery succeeded\nService discovery succeeded\na-b discovery succeeded", 2],
    ["Windows line ends", "a-b discovery succeeded\r\nc-d discovery succeeded\r\n", 2],
    ["one that was lost", "a-b discovery succeeded\nSEVERE: c-d discovery failed: No matching record", 1],
  ];
  for (const [what, log, count] of cases) assert.equal(readDiscovery(log).found.length, count, what);
  const named = readDiscovery(CONNECTORS.map((name) => `${name} discovery succeeded`).join("\n"));
  assert.deepEqual(named, { found: CONNECTORS, lost: [] });
});

test("a connector that the broker did not find is lost, in its words", () => {
  const lost = "SEVERE: InstantiateDU-kubernetes discovery failed: (NO_HANDLERS,-1) No matching record";
  assert.deepEqual(readDiscovery(`Server started\n  ${lost}\r\nx discovery succeeded\n`), {
    found: ["x"],
    lost: [lost],
  });
});

test("no log makes the reader throw, nor find more than there are lines", () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom("a discovery succeeded", "Service discovery succeeded", "discovery failed"),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const log = lines.join("\n");
      const { found, lost } = readDiscovery(log);
      assert.ok(found.length + lost.length <= 2 * log.split("\n").length);
    }),
  );
});

test("a container whose script went on to sleep for ever has no program", () => {
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

test("a program that has ended and was not collected is not one that runs", () => {
  assert.equal(hasNoProgram(["sleep infinity", "[php] <defunct>"]), true);
  assert.equal(hasNoProgram(["[php] <defunct>"]), false);
});

test("busybox is a shell only where it is one", () => {
  assert.equal(hasNoProgram(["busybox sh /start.sh", "sleep infinity"]), true);
  assert.equal(hasNoProgram(["/bin/sh /start.sh", "busybox httpd -f -p 8000", "sleep infinity"]), false);
});

test("a container that has ended, is gone or starts again and again will not serve", () => {
  const state = { status: "running", exitCode: 0, restarts: 0, outOfMemory: false, startedAt: "" };
  const cases: readonly (readonly [Partial<typeof state>, string | undefined])[] = [
    [{}, undefined],
    [{ status: "created" }, undefined],
    [{ status: "restarting", restarts: 2, exitCode: 1 }, undefined],
    [{ status: "restarting", restarts: 3, exitCode: 1 }, "ended again and again (3 restarts, exit code 1)"],
    [{ status: "running", restarts: 3 }, "ended again and again (3 restarts, exit code 0)"],
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

test("a line without a blank is read in seconds, however long it is", async () => {
  const path = JSON.stringify(import.meta.resolve("../../../../src/torch/stack/services.ts"));
  await runBounded(
    `import { readDiscovery } from ${path}; readDiscovery("a".repeat(1e6)); readDiscovery("a ".repeat(5e5));`,
  );
});
