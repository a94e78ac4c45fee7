import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import {
  BuildLog,
  CACHE_LIMITS,
  describeSteps,
  parseBuildLine,
  withoutPaths,
} from "../../../../src/torch/stack/build-log.ts";
import { BuildReports } from "../../../../src/torch/stack/build-reports.ts";

const LAYER = "sha256:eb0562b6794cf0ffcac223cbdbaacadc034ea11cfdb2a0306ee91b078e14313e";

function read(lines: readonly string[], before?: BuildLog): BuildLog {
  const log = new BuildLog(before);
  for (const line of lines) log.add(line, 0);
  return log;
}

test("the kinds of a build's lines are distinguished", () => {
  for (const [line, expected] of [
    ["#12 [base 2/4] RUN make", { vertex: "12", kind: "step", step: "[base 2/4] RUN make" }],
    ["#7 [2/5] COPY . .", { vertex: "7", kind: "step", step: "[2/5] COPY . ." }],
    ["#7 [base 1/4] FROM docker.io/library/python:3.11", { vertex: "7", kind: "other" }],
    ["#1 [internal] load build definition from Dockerfile", { vertex: "1", kind: "other" }],
    ["#6 importing cache manifest from gha:13915701332412757123", { vertex: "6", kind: "import" }],
    ["#16 exporting to GitHub Actions Cache", { vertex: "16", kind: "export" }],
    ["#9 CACHED", { vertex: "9", kind: "cached" }],
    ["#9 DONE 0.3s", { vertex: "9", kind: "done" }],
    ["#7 ERROR: unavailable", { vertex: "7", kind: "error", reason: "unavailable" }],
    [`#13 ${LAYER} 0B / 98B 5.1s`, { vertex: "13", kind: "transfer", layer: LAYER.slice(7), bytes: "0B / 98B" }],
    [`#13 ${LAYER} 98B / 98B 0.1s done`, { vertex: "13", kind: "transfer", layer: LAYER.slice(7), bytes: "done" }],
    [`#13 ${LAYER} 98B / 98B done`, { vertex: "13", kind: "transfer", layer: LAYER.slice(7), bytes: "done" }],
    [`#13 extracting ${LAYER} 2.2s done`, { vertex: "13", kind: "extract" }],
    ["#8 0.123 #9 CACHED", { vertex: "8", kind: "other" }],
    ["#14 ...", { vertex: "14", kind: "other" }],
    [" > [2/2] RUN make:", undefined],
    ["", undefined],
  ] as const) {
    assert.deepEqual(parseBuildLine(line), expected, line);
  }
});

test("no text breaks the reading of a build, and what a step prints is not taken for BuildKit's own words", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("CACHED", "DONE 0.1s", "ERROR: x"))), (printed) => {
      const log = read(["#7 [1/2] RUN print", ...printed.map((text) => `#7 0.123 ${text}`), "#7 DONE 0.2s"]);
      assert.deepEqual(log.report, { steps: 1, cached: 0, notes: [] });
      read([...printed, ...printed.map((text) => `#7 ${text}`)]);
    }),
  );
});

/** How BuildKit prints a cached step: often as that, or with the layers that are needed on this machine. */
function cachedLines(vertex: number, head: string): readonly string[] {
  const arrives = [
    head,
    `#${vertex} ${LAYER} 8B / 8B done`,
    head,
    `#${vertex} extracting ${LAYER}`,
    `#${vertex} DONE 1.9s`,
  ];
  const forms = [[], [head, `#${vertex} extracting ${LAYER} 0.1s done`, `#${vertex} DONE 0.2s`], arrives];
  return [`#${vertex} CACHED`, ...(forms[vertex % 3] ?? [])];
}

test("every step counts once, by how it ended last, and base images do not count", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), (cached) => {
      const lines = cached.flatMap((each, index) => {
        const head = `#${index + 10} [stage ${index + 1}/20] RUN step ${index}`;
        return [head, ...(each ? cachedLines(index + 10, head) : [`#${index + 10} DONE 1.0s`])];
      });
      const { report } = read(["#9 [1/20] FROM scratch", "#9 CACHED", ...lines]);
      assert.deepEqual(report, { steps: cached.length, cached: cached.filter(Boolean).length, notes: [] });
    }),
  );
  assert.equal(describeSteps({ steps: 9, cached: 7, notes: [] }), "7 of 9 steps from the cache");
});

test("a step whose layers arrive was cached, unless it runs after all", () => {
  const lines = [
    "#10 [2/3] WORKDIR /a",
    `#10 ${LAYER} 8.39MB / 180.01MB 0.2s`,
    `#10 extracting ${LAYER}`,
    "#10 DONE 4.2s",
  ];
  assert.equal(read(lines).report.cached, 1);
  const evicted = [...lines.slice(0, 2), `#10 ERROR: blob ${LAYER}: not found`, "#10 DONE 0.4s"];
  assert.equal(read(evicted).report.cached, 0);
  const called = ["#10 [2/3] WORKDIR /a", "#10 CACHED", "#10 [2/3] WORKDIR /a", "#10 DONE 0.0s"];
  assert.equal(read(called).report.cached, 0, "the cache lost a layer of a step after it");
  assert.equal(read(evicted).stall(1e9, CACHE_LIMITS), undefined, "what failed is not waited for");
});

test("what the same run built in its first try came from no earlier run", () => {
  const first = read(["#7 [2/3] RUN a", "#7 CACHED", "#8 [3/3] RUN b", "#8 DONE 9.0s"]);
  const again = read(["#4 [2/3] RUN a", "#4 CACHED", "#5 [3/3] RUN b", "#5 CACHED"], first);
  assert.deepEqual(again.report, { steps: 2, cached: 1, notes: [] });
});

test("a cache that fails is said once for each image, without its address' path", () => {
  const { report } = read([
    "#6 importing cache manifest from gha:1",
    '#6 ERROR: Get "http://127.0.0.1:9/secret/_apis/artifactcache/cache?keys=a": connection refused',
    "#13 [2/2] RUN make",
    `#13 ERROR: blob ${LAYER}: not found`,
    `#13 ERROR: blob ${LAYER}: not found`,
    "#13 DONE 0.8s",
    "#16 exporting to GitHub Actions Cache",
    "#16 ERROR: maximum timeout reached: resource_exhausted",
  ]);
  assert.deepEqual(report, {
    steps: 1,
    cached: 0,
    notes: [
      'layers of earlier runs were not used: Get "http://127.0.0.1:9": connection refused',
      "layers of earlier runs were not used: the cache has removed some of them",
      "layers were not kept for later runs: maximum timeout reached: resource_exhausted",
    ],
  });
});

test("an address is shown without what lets its bearer in", () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
      const { origin } = new URL(url);
      assert.ok(
        withoutPaths(`Put "${url}": EOF`)
          .toLowerCase()
          .startsWith(`put "${origin.replace(/^(https?):/, "$1:")}`),
      );
      assert.ok(!withoutPaths(`${url}?sig=secret`).includes("secret"));
    }),
  );
});

test("a cache is waited for only so long as it gives signs of life, and a step as long as it takes", () => {
  const log = new BuildLog();
  const at = (second: number, ...lines: readonly string[]) => {
    for (const line of lines) log.add(line, second * 1000);
    return log.stall(second * 1000, CACHE_LIMITS);
  };
  assert.equal(at(0, "#6 importing cache manifest from gha:1"), undefined);
  assert.equal(at(30, "#7 [internal] load build context"), undefined);
  assert.match(at(31) ?? "", /not used: the cache did not answer within 30 s/);
  assert.equal(at(32, "#6 DONE 32.0s"), undefined);
  assert.equal(at(40, "#9 [1/2] FROM python", `#9 ${LAYER} 0B / 98B 1.0s`), undefined);
  assert.equal(at(500, "#10 [2/2] RUN make"), undefined);
  assert.equal(at(1000, `#10 ${LAYER} 0B / 98B 5.1s`), undefined);
  assert.equal(at(1020, `#10 ${LAYER} 9B / 98B 25.1s`), undefined);
  assert.equal(at(1045, `#10 ${LAYER} 9B / 98B 50.1s`), undefined);
  assert.match(at(1051, `#10 ${LAYER} 9B / 98B 56.1s`) ?? "", /not used: the cache sent nothing for 30 s/);
  assert.equal(at(1060, `#10 ${LAYER} 98B / 98B 65.1s done`), undefined);
  assert.equal(at(1100, "#16 exporting to GitHub Actions Cache", "#16 writing layer sha256:1"), undefined);
  assert.equal(at(1220, "#16 writing layer sha256:2"), undefined);
  assert.equal(at(1339), undefined);
  assert.match(at(1341) ?? "", /not kept for later runs: the cache took nothing for 120 s/);
  assert.equal(at(1342, "#16 DONE 9.9s"), undefined);
});

test("the log and the summary say for each image what came from the cache, and once what is wrong with it", () => {
  const lines: string[] = [];
  const reports = new BuildReports("Images: a hint", { info: (line) => lines.push(line) });
  const notes = ["layers were not kept for later runs: unavailable"];
  reports.add(COMPONENTS.engine, { steps: 0, cached: 0, notes });
  reports.add(COMPONENTS.dashboard, { steps: 9, cached: 7, notes });
  assert.deepEqual(lines, [
    "Images: a hint",
    "Flowable engine: image built",
    `Images: ${notes[0]}`,
    "dashboard: image built, 7 of 9 steps from the cache",
  ]);
  assert.deepEqual(reports.rows(), [
    ["Image of the dashboard", "7 of 9 steps from the cache", notes[0]],
    ["Image of the Flowable engine", "built", notes[0]],
  ]);
});
