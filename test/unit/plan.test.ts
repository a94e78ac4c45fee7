import assert from "node:assert/strict";
import { test } from "node:test";
import type { Problem } from "../../src/failure.ts";
import { Failure } from "../../src/failure.ts";
import type { ClusterContainer } from "../../src/host/docker.ts";
import type { Survey } from "../../src/host/survey.ts";
import type { Inputs } from "../../src/inputs/inputs.ts";
import { type Plan, planRun } from "../../src/plan.ts";
import { voucherFor } from "../../src/tools/sources.ts";
import { builtInCatalog } from "../../src/versions/catalog.ts";
import { CATALOG, configure, createInputs, createSurvey, digest, FOLDERS, only } from "./builders.ts";

interface Facts {
  readonly inputs?: Partial<Inputs>;
  readonly survey?: Partial<Survey>;
  readonly config?: string;
  readonly catalog?: typeof CATALOG;
}

function decide({ inputs = {}, survey = {}, config, catalog = CATALOG }: Facts) {
  return planRun({
    inputs: createInputs(inputs),
    files: { configuration: config === undefined ? undefined : configure(config), catalog, problems: [] },
    survey: createSurvey(survey),
    folders: FOLDERS,
    runId: "0a1b",
    artifactNameFor: (prefix, cluster) => `${prefix}-${cluster}`,
  });
}

function planOf(facts: Facts): Plan {
  const decided = decide(facts);
  assert.ok("plan" in decided, JSON.stringify(decided));
  return decided.plan;
}

function problemsOf(facts: Facts): readonly Problem[] {
  const decided = decide(facts);
  assert.ok("problems" in decided && decided.problems.length > 0, JSON.stringify(decided));
  for (const problem of decided.problems) {
    for (const part of [problem.input, problem.value, problem.reason, problem.allowed, problem.fix])
      assert.notEqual(part, "");
  }
  return decided.problems;
}

const container = (cluster: string): ClusterContainer => ({
  id: "1",
  name: `${cluster}-control-plane`,
  cluster,
  created: "2026-01-01T00:00:00Z",
  mounts: [],
});

test("nothing said on a machine in order is a plan for the guide's cluster", () => {
  const plan = planOf({});
  assert.deepEqual(
    plan.shape.nodes.map((node) => node.name),
    ["bologna-control-plane", "bologna-worker"],
  );
  assert.equal(plan.versions.kubernetes, "1.28.15");
  assert.deepEqual(plan.images, [`kindest/node:v1.28.15@${digest("b3")}`]);
  assert.deepEqual(
    plan.limits.map((limit) => limit.to),
    [524288, 512],
  );
  assert.ok(plan.waitForWhole);
  assert.ok(plan.runDirectory.startsWith(`${FOLDERS.temp}/`));
  assert.ok(plan.credentials.privateKey.startsWith(`${plan.runDirectory}/`));
  assert.ok(plan.credentials.privateKey.endsWith("/torch.key"));
});

test("a cluster of that name is a problem, unless it is to be replaced, and another cluster is none", () => {
  const there = { containers: [container("bologna")] };
  const problem = only(problemsOf({ survey: there }));
  assert.equal(problem.input, "cluster-name");
  assert.match(problem.fix, /existing: replace/);
  planOf({ survey: there, inputs: { existing: "replace" } });
  planOf({ survey: { containers: [container("bologna2")] } });
  assert.equal(only(problemsOf({ survey: { containers: [container("mine")] }, config: "name: mine\n" })).value, "mine");
});

test("too little disk is a problem that says how much there is, and an unknown one is none", () => {
  const problem = only(problemsOf({ survey: { freeDisk: 1024 ** 3 } }));
  assert.match(problem.value, /1\.0 GiB/);
  assert.match(problem.allowed, /2 GiB/);
  planOf({ survey: { freeDisk: 2 * 1024 ** 3 } });
  planOf({ survey: { freeDisk: undefined } });
});

test("a machine without a Docker that can be used says why, beside all the rest", () => {
  const engine = new Failure("is not installed", { cure: "install it" });
  const problems = problemsOf({
    survey: { engine, freeDisk: 0 },
    inputs: { kubectlVersion: { kind: "minor", minor: "1.34" } },
  });
  assert.deepEqual(
    problems.map((problem) => problem.input),
    ["kubectl-version", "runs-on"],
  );
  assert.match(`${problems[1]?.reason} ${problems[1]?.fix}`, /not installed install it/);
});

test("a machine that kind's nodes do not run on is refused", () => {
  for (const survey of [
    { platform: "darwin" },
    { platform: "win32" },
    { architecture: "s390x" },
    { architecture: "ia32" },
  ]) {
    assert.equal(only(problemsOf({ survey })).input, "runs-on", JSON.stringify(survey));
  }
  planOf({ survey: { architecture: "arm64", nodeArchitecture: "arm64" } });
});

test("Kubernetes 1.35 on cgroup v1 is refused before anything is done", () => {
  const engine = { version: "29", cgroupVersion: 1 as const, dataRoot: "/d" };
  const inputs = { kubernetesVersion: { kind: "minor", minor: "1.35" } } as const;
  const problem = only(problemsOf({ survey: { engine }, inputs, catalog: builtInCatalog() }));
  assert.equal(problem.input, "kubernetes-version");
  assert.match(problem.reason, /1\.35\.\d+.*cgroup v1/);
  planOf({ inputs, catalog: builtInCatalog() });
});

test("kubectl 1.34 with Kubernetes 1.28 is refused naming both and the range; its neighbours are planned", () => {
  const asked = (minor: string) => ({
    inputs: { kubectlVersion: { kind: "minor", minor } } as const,
    catalog: builtInCatalog(),
  });
  const problem = only(problemsOf(asked("1.34")));
  assert.match(problem.reason, /1\.34.*1\.28\.15/);
  assert.match(problem.allowed, /1\.27 to 1\.29/);
  for (const minor of ["1.27", "1.28", "1.29"]) assert.ok(planOf(asked(minor)).kubectl.version.startsWith(`${minor}.`));
});

test("an address to listen on is no name for the certificate", () => {
  for (const address of ["0.0.0.0", "::"]) {
    assert.equal(only(problemsOf({ inputs: { extraSans: ["a.example", address] } })).input, "extra-sans", address);
  }
});

test("problems of the shape, the versions and the machine are said together", () => {
  const problems = problemsOf({
    inputs: { workers: 3, kubernetesVersion: { kind: "exact", version: "1.28.99" } },
    config: "nodes:\n- role: control-plane\n",
    survey: { freeDisk: 0 },
  });
  assert.deepEqual(problems.map((problem) => problem.input).toSorted(), [
    "kubernetes-version",
    "runs-on",
    "workers and kind-config",
  ]);
});

test("exactly the images that kind will look for are pulled, each once", () => {
  const cases: readonly (readonly [Facts, readonly string[]])[] = [
    [{ inputs: { workers: 5 } }, [`kindest/node:v1.28.15@${digest("b3")}`]],
    [{ inputs: { nodeImage: "mine/node:v1.28.15" } }, ["mine/node:v1.28.15"]],
    [
      { config: "nodes:\n- role: control-plane\n- role: worker\n  image: old/node:v1.27.1\n" },
      ["old/node:v1.27.1", `kindest/node:v1.28.15@${digest("b3")}`],
    ],
    [{ config: "nodes:\n- image: a/node:v1.28.1\n- role: worker\n  image: a/node:v1.28.1\n" }, ["a/node:v1.28.1"]],
    [
      { inputs: { controlPlanes: 2, kubernetesVersion: { kind: "minor", minor: "1.34" } } },
      [`kindest/node:v1.34.0@${digest("a1")}`, "kindest/haproxy:new"],
    ],
    [{ inputs: { controlPlanes: 3 } }, [`kindest/node:v1.28.15@${digest("b3")}`]],
  ];
  for (const [facts, images] of cases) assert.deepEqual(planOf(facts).images, images, JSON.stringify(facts));
});

test("a tool comes from its mirror, with the catalogue's checksum for this processor where there is one", () => {
  const inputs = { kubernetesVersion: { kind: "minor", minor: "1.34" }, kindMirror: "http://127.0.0.1:1" } as const;
  const amd = planOf({ inputs });
  assert.ok(amd.kind.source.url.startsWith("http://127.0.0.1:1/v0.30.0/"));
  assert.equal(amd.kind.checksum, "c".repeat(64));
  assert.equal(voucherFor("kubectl", amd.kubectl.source.url), "origin");
  const arm = planOf({ inputs, survey: { architecture: "arm64", nodeArchitecture: "arm64" } });
  assert.equal(arm.kind.checksum, undefined);
  assert.match(arm.kind.source.url, /arm64$/);
});

test("nodes that cannot or need not get ready are not waited for", () => {
  assert.ok(!planOf({ inputs: { waitSeconds: 0 } }).waitForWhole);
  assert.ok(!planOf({ config: "networking: {disableDefaultCNI: true}\n" }).waitForWhole);
});

test("a boot with images of somebody else's is not accelerated", () => {
  assert.ok(planOf({}).acceleration !== undefined);
  assert.equal(planOf({ inputs: { nodeImage: "mine/node:v1.28.15" } }).acceleration, undefined);
  assert.equal(planOf({ config: "nodes:\n- image: mine/node:v1.28.15\n" }).acceleration, undefined);
});

test("a credentials-directory of the user's is where the files go", () => {
  const plan = planOf({ inputs: { credentialsDirectory: "/ws/c", user: "alice" } });
  assert.deepEqual([plan.credentials.directory, plan.credentials.certificate], ["/ws/c", "/ws/c/alice-signed.crt"]);
});
