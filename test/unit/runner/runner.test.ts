import assert from "node:assert/strict";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeError, Failure } from "../../../src/errors.ts";
import { type JournalState, makeRunDirectory, readRecord, writeRecord } from "../../../src/journal.ts";
import { defaultArtifactName, hasArtifactService } from "../../../src/runner/artifact.ts";
import { joinKubeconfigs } from "../../../src/runner/outputs.ts";
import { hasJobFailed, readFolders } from "../../../src/runner/step.ts";
import { startTimeline } from "../../../src/timeline.ts";
import { artifactName } from "../../../src/values/names.ts";
import { makeFolder } from "../builders.ts";

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

test("anything thrown has a text, and a failure's fix is part of it", () => {
  assert.match(describeError(new Failure("It broke.", { fix: "mend it" })), /It broke\.\n.*mend it/);
  for (const thrown of ["text", 5, null, undefined, new Error("x"), Symbol("s"), { a: 1 }]) {
    assert.notEqual(describeError(thrown), "");
  }
});

// The record

const RECORD: JournalState = {
  cluster: "c",
  nodes: ["c-control-plane"],
  startedAt: "2026-01-01T00:00:00.000Z",
  owner: "/t/owner",
  cleanup: true,
  logs: "on-failure",
  logsArtifactName: "kind-logs-c",
  logsFolder: "/t/kind-logs-c-x1y2z3",
  artifactRetentionDays: 1,
  internetProbe: { name: "example.org", address: "192.0.2.1", port: 53 },
  kind: undefined,
  credentialFiles: [],
  createdDirectories: [],
  created: false,
  pending: [],
  failedTries: false,
  failedLogs: [],
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

// The timeline

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
