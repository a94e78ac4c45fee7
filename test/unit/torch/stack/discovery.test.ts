import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readDiscovery } from "../../../../src/torch/stack/discovery.ts";
import { runBounded } from "../../bounded.ts";

const CONNECTORS = [
  "InstantiateLocation-manual-kubernetes",
  "AddStorage-kubernetes",
  "InstantiateVolume-kubernetes",
  "InstantiateLocation-liqo",
  "InstantiateDU-kubernetes",
  "InstantiateDU-liqo",
];

test("connectors are counted by their names, or by lines if they have none", () => {
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

test("a connector that the broker did not find is lost, and its line is quoted", () => {
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

test("a line without a blank is read in seconds, however long it is", async () => {
  const path = JSON.stringify(import.meta.resolve("../../../../src/torch/stack/discovery.ts"));
  await runBounded(
    `import { readDiscovery } from ${path}; readDiscovery("a".repeat(1e6)); readDiscovery("a ".repeat(5e5));`,
  );
});
