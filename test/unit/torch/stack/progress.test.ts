import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPONENTS } from "../../../../src/torch/components.ts";
import { parseBuildStep, parseProgress, startOf, startProgress } from "../../../../src/torch/stack/progress.ts";

test("a step of a Dockerfile is known by its number, and nothing else of a build is taken for one", () => {
  for (const [line, step] of [
    ["#7 [2/5] RUN npm ci", "[2/5] RUN npm ci"],
    ["#9 [builder 3/6] RUN mvn --quiet package", "[builder 3/6] RUN mvn --quiet package"],
    [`#9 [1/2] RUN ${"x".repeat(300)}`, `[1/2] RUN ${"x".repeat(96)} ...`],
    ["#1 [internal] load build definition from Dockerfile", undefined],
    ["#7 CACHED", undefined],
    ["#7 0.123 [2/5] RUN npm ci", undefined],
    ["[2/5] RUN npm ci", undefined],
    ["", undefined],
  ] as const) {
    assert.equal(parseBuildStep(line), step);
  }
});

test("the log has a line for each component that is waited for, every 15 s and no more often", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const lines: string[] = [];
  const changes: string[] = [];
  const { dashboard, engine, services } = COMPONENTS;
  const progress = startProgress({ info: (line) => lines.push(line), debug: (line) => changes.push(line) });
  progress.say(dashboard, "builds [3/9] RUN composer install");
  progress.say(dashboard, "builds [3/9] RUN composer install");
  progress.say(engine, "starts");
  progress.say(services, "waits for the cluster and its credentials");
  assert.equal(changes.length, 3, "a debug line at each change");
  assert.deepEqual(changes.map(parseProgress), [
    { title: "dashboard", what: "builds [3/9] RUN composer install" },
    { title: "Flowable engine", what: "starts" },
    { title: "service layer", what: "waits for the cluster and its credentials" },
  ]);
  context.mock.timers.tick(14_000);
  assert.deepEqual(lines, []);
  progress.done(engine);
  context.mock.timers.tick(1_000);
  assert.deepEqual(lines, [
    `… ${dashboard.title}: builds [3/9] RUN composer install`,
    `… ${services.title}: waits for the cluster and its credentials`,
  ]);
  assert.deepEqual(parseProgress(`  31.2 s  ${lines[0]} (15 s)`)?.title, dashboard.title);
  progress.stop();
  context.mock.timers.tick(60_000);
  assert.equal(lines.length, 2);
  assert.deepEqual(changes.slice(3).map(parseProgress), [
    { title: "Flowable engine", what: "" },
    { title: "dashboard", what: "" },
    { title: "service layer", what: "" },
  ]);
});

test("the time of an activity goes on while only its last answer changes", () => {
  const before = { what: "starts; connection refused", since: 1000 };
  assert.equal(startOf("starts; other side closed", before, 9000), 1000);
  assert.equal(startOf("starts", before, 9000), 1000);
  assert.equal(startOf("takes the BPMN plans", before, 9000), 9000);
  assert.equal(startOf("starts", undefined, 9000), 9000);
});

test("only lines about a component that is waited for are read as such", () => {
  for (const line of ["dashboard: builds", "… something: else", "…", "… ", "a … dashboard: builds", "… dashboards"]) {
    assert.equal(parseProgress(line), undefined, line);
  }
});
