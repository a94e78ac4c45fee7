import assert from "node:assert/strict";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { describeError, Failure } from "../../src/failure.ts";
import { artifactName } from "../../src/inputs/values.ts";
import { defaultArtifactName, hasArtifactService } from "../../src/runner/artifact.ts";
import { renderGantt } from "../../src/runner/gantt.ts";
import { joinKubeconfigs } from "../../src/runner/outputs.ts";
import { makeRunDirectory, type RunRecord, readRecord, writeRecord } from "../../src/runner/state.ts";
import { hasJobFailed, readFolders } from "../../src/runner/step.ts";
import { type RunReport, renderFailure, renderLog, renderSummary } from "../../src/runner/summary.ts";
import { startTimeline } from "../../src/runner/timeline.ts";
import { makeFolder } from "./builders.ts";

// Artifact

test("an artifact's name tells cluster, job, matrix index and a later attempt apart", () => {
  const name = (environment: NodeJS.ProcessEnv, index?: string) =>
    defaultArtifactName("kind-logs", "c", environment, index);
  const names = [
    name({ GITHUB_JOB: "a" }),
    name({ GITHUB_JOB: "b" }),
    name({ GITHUB_JOB: "a" }, "0"),
    name({ GITHUB_JOB: "a" }, "1"),
    name({ GITHUB_JOB: "a", GITHUB_RUN_ATTEMPT: "2" }),
    name({ GITHUB_JOB: "a", GITHUB_RUN_ATTEMPT: "2" }, "1"),
    defaultArtifactName("kind-credentials", "c", { GITHUB_JOB: "a" }, undefined),
    defaultArtifactName("kind-logs", "d", { GITHUB_JOB: "a" }, undefined),
  ];
  assert.equal(new Set(names).size, names.length, `${names}`);
  for (const each of names) assert.ok("value" in artifactName(each), each);
  assert.equal(name({ GITHUB_JOB: "a", GITHUB_RUN_ATTEMPT: "1" }), name({ GITHUB_JOB: "a" }));
  assert.equal(name({ GITHUB_JOB: "" }, ""), name({}));
});

test("an artifact service needs its token, its address and a server that has one", () => {
  const both = { ACTIONS_RUNTIME_TOKEN: "t", ACTIONS_RESULTS_URL: "http://localhost" };
  assert.ok(hasArtifactService(both));
  assert.ok(hasArtifactService({ ...both, GITHUB_SERVER_URL: "https://github.com" }));
  assert.ok(hasArtifactService({ ...both, GITHUB_SERVER_URL: "https://tenant.ghe.com" }));
  for (const bad of [
    { GITHUB_SERVER_URL: "https://git.example" },
    { ACTIONS_RUNTIME_TOKEN: "" },
    { ACTIONS_RESULTS_URL: undefined },
  ]) {
    assert.ok(!hasArtifactService({ ...both, ...bad }), JSON.stringify(bad));
  }
});

// Outputs

test("KUBECONFIG names this cluster first, then earlier ones of this Action, and nothing else", () => {
  const own = "/t/kind-torch-b-1/kubeconfig";
  const earlier = "/t/kind-torch-a-1/kubeconfig";
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, own],
    ["", own],
    [":", own],
    ["/home/me/.kube/config", own],
    [earlier, `${own}:${earlier}`],
    [`/home/me/.kube/config:${earlier}:${earlier}`, `${own}:${earlier}`],
    [own, own],
    [`${earlier}:${own}`, `${own}:${earlier}`],
    ["/t/kind-torch-a/b/kubeconfig:/t/kind-torch-a-1/kubeconfig2", own],
  ];
  for (const [before, expected] of cases) assert.equal(joinKubeconfigs(own, before), expected, before);
});

// The step

test("a job has failed unless the runner says success or nothing", () => {
  for (const status of ["success", "", " success "]) assert.ok(!hasJobFailed({ "INPUT_JOB-STATUS": status }));
  for (const status of ["failure", "cancelled", "Success?"]) assert.ok(hasJobFailed({ "INPUT_JOB-STATUS": status }));
  assert.ok(!hasJobFailed({}));
});

test("outside a runner the step says that it is no step", () => {
  assert.throws(() => readFolders({ GITHUB_WORKSPACE: "/ws" }), Failure);
  assert.throws(() => readFolders({ RUNNER_TEMP: "/tmp" }), Failure);
});

test("anything thrown has a text, and a failure's cure is part of it", () => {
  assert.match(describeError(new Failure("It broke.", { cure: "mend it" })), /It broke\.\n.*mend it/);
  for (const thrown of ["text", 5, null, undefined, new Error("x"), Symbol("s"), { a: 1 }]) {
    assert.notEqual(describeError(thrown), "");
  }
});

// The record

const RECORD: RunRecord = {
  cluster: "c",
  nodes: ["c-control-plane"],
  startedAt: "2026-01-01T00:00:00.000Z",
  owner: "/t/owner",
  cleanup: true,
  logs: "on-failure",
  logsArtifactName: "kind-logs-c",
  artifactRetentionDays: 1,
  internetProbe: { name: "example.org", address: "192.0.2.1", port: 53 },
  kind: undefined,
  credentialFiles: [],
  madeDirectories: [],
  created: false,
  pending: [],
  failedTries: false,
  torch: {
    label: "kind-torch.run=c-1",
    containers: [],
    placeholders: [],
    images: ["kind-torch/c-engine:1"],
    engineUrl: "http://127.0.0.1:8080",
  },
  namespace: "simple",
  kubectl: "/kubectl",
  failed: true,
};

test("what main recorded is what post reads, in a folder that nobody else may open", async (context) => {
  const directory = join(await makeFolder(context), "run");
  await makeRunDirectory(directory);
  writeRecord(directory, RECORD);
  writeRecord(directory, { ...RECORD, kind: "/k", created: true });
  assert.deepEqual(await readRecord(directory), { ...RECORD, kind: "/k", created: true });
  assert.equal((await stat(directory)).mode & 0o077, 0);
  assert.equal((await stat(join(directory, "run.json"))).mode & 0o077, 0);
  assert.ok((await stat(join(directory, "owner"))).isDirectory());
});

test("a record that was never written is none, and a draft that was cut off does not count", async (context) => {
  const directory = await makeFolder(context);
  assert.equal(await readRecord(join(directory, "missing")), undefined);
  await writeFile(join(directory, "run.json.draft"), '{"cluster": "ha');
  assert.equal(await readRecord(directory), undefined);
  writeRecord(directory, RECORD);
  await writeFile(join(directory, "run.json.draft"), "{");
  assert.equal((await readRecord(directory))?.cluster, "c");
});

test("a record that cannot be read is an error, not a run that made nothing", async (context) => {
  const directory = await makeFolder(context);
  await writeFile(join(directory, "run.json"), '{"cluster":');
  await assert.rejects(readRecord(directory));
  const folder = join(directory, "folder");
  await mkdir(join(folder, "run.json"), { recursive: true });
  await assert.rejects(readRecord(folder));
});

// The summary

const REPORT: RunReport = {
  cluster: "bologna",
  versions: {
    kubernetes: "1.28.15",
    kind: "0.25.0",
    kubectl: "1.27.16",
    nodeImage: "kindest/node:v1.28.15",
    loadBalancerImage: undefined,
    reasons: { kubernetes: "the guide's", kind: "why | kind", kubectl: "asked for" },
    warnings: ["Nobody has promised that."],
  },
  nodes: ["bologna-control-plane", "bologna-worker"],
  endpoint: "https://bologna-control-plane:6443",
  endpointExternal: "https://127.0.0.1:45645",
  readiness: "every node",
  user: "torch",
  rbac: "torch",
  certificateExpires: new Date("2026-01-02T00:00:00Z"),
  files: [{ name: "ca.crt", what: "the cluster's CA", path: "/a|b/ca.crt" }],
  artifact: "none",
  torch: undefined,
  phases: [
    { name: "Install kind", start: 100, end: 1600, state: "done" },
    { name: "Create cluster", start: 1600, end: 2600, state: "failed" },
  ],
};

/** The cells of each table row; a pipe in a cell is escaped. */
function rowsOf(markdown: string): readonly (readonly string[])[] {
  const rows = markdown.split("\n").filter((line) => line.startsWith("|"));
  return rows.map((line) => line.split(/(?<!\\)\|/).slice(1, -1));
}

test("the summary's tables keep their shape whatever stands in them", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom("a|b", "|", "a\nb", "a\r\nb", "`|`")), (text) => {
      const files = [{ name: "n", what: "w", path: text }];
      const markdown = renderSummary({ ...REPORT, files, artifact: text, rbac: text });
      const lengths = rowsOf(markdown).map((row) => row.length);
      const expected = rowsOf(renderSummary(REPORT)).map((row) => row.length);
      assert.deepEqual(lengths, expected);
    }),
  );
});

test("the summary says the versions with their reasons, the endpoints, the nodes and the time of each phase", () => {
  const markdown = renderSummary(REPORT);
  for (const text of ["1.28.15", "0.25.0", "1.27.16", "why \\| kind", "bologna-worker", "Nobody has promised that."]) {
    assert.ok(markdown.includes(text), text);
  }
  assert.ok(markdown.includes(REPORT.endpoint) && markdown.includes(REPORT.endpointExternal));
  assert.match(markdown, /Install kind \| 0\.1 s \| 1\.5 s/);
  assert.match(markdown, /Create cluster \(failed\)/);
});

test("the log says the same as the summary", () => {
  const log = renderLog(REPORT).join("\n");
  for (const text of [
    "1.28.15",
    "0.25.0",
    "1.27.16",
    REPORT.endpoint,
    REPORT.endpointExternal,
    "/a|b/ca.crt",
    "1.5 s",
  ]) {
    assert.ok(log.includes(text), text);
  }
});

test("a failure's every line stands in the summary, first, and what a program said is shown as it is", () => {
  const markdown = renderFailure("one <b>\ntwo\n  a | *b*\n    c\nthree", REPORT.phases);
  assert.match(markdown, /> one &lt;b><br>\n> two<br>\n> ~{8}text\n> a \| \*b\*\n> {3}c\n> ~{8}\n> three<br>\n/);
  assert.ok(markdown.indexOf("> one") < markdown.indexOf("Install kind"));
  assert.equal(rowsOf(renderFailure("one", [])).length, 0);
});

test("the chart has a bar for each phase, and nothing in a name ends it early", () => {
  const chart = renderGantt([
    { name: "Build image: a; #1", start: 5, end: 1505, state: "done" },
    { name: "Create", start: 10, end: 10, state: "stopped" },
    { name: "Serve", start: 0, end: 900, state: "failed" },
  ]);
  assert.deepEqual(chart.slice(-4, -1), [
    "    Serve (0.9 s) :crit, 0, 900",
    "    Build image a 1 (1.5 s) :5, 1505",
    "    Create (0.0 s) :done, 10, 11",
  ]);
  assert.deepEqual(renderGantt([]), []);
});

test("of phases side by side the one that failed first is the failed one, and the others were stopped", async () => {
  const timeline = startTimeline();
  const failing = Promise.withResolvers<never>();
  const work = ["first", "second"].map((name) => timeline.measure(name, () => failing.promise));
  timeline.measure("endless", () => new Promise(() => undefined));
  failing.reject(new Error("no"));
  await Promise.allSettled(work);
  timeline.stop();
  await assert.rejects(timeline.measure("again", () => Promise.reject(new Error("no"))));
  assert.deepEqual(
    timeline.phases.map(({ name, state }) => `${name} ${state}`),
    ["first failed", "second stopped", "endless stopped", "again failed"],
  );
});
