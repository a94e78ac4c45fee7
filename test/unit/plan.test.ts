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
  readonly rejected?: readonly string[];
}

function decide({ inputs = {}, survey = {}, config, catalog = CATALOG, rejected = [] }: Facts) {
  return planRun({
    inputs: createInputs(inputs),
    files: { configuration: config === undefined ? undefined : configure(config), catalog, problems: [] },
    survey: createSurvey(survey),
    rejected: new Set(rejected),
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
  assert.equal(
    only(problemsOf({ survey: { containers: [container("mine")] }, config: "name: mine\n" })).value,
    "name: mine",
  );
});

test("too little disk is a problem that says how much there is, and an unknown one is none", () => {
  const problem = only(problemsOf({ survey: { freeDisk: { folder: "/var/lib/containerd", bytes: 1024 ** 3 } } }));
  assert.match(problem.value, /1\.0 GiB free in \/var\/lib\/containerd/);
  assert.match(problem.allowed, /2 GiB/);
  planOf({ survey: { freeDisk: { folder: "/d", bytes: 2 * 1024 ** 3 } } });
  planOf({ survey: { freeDisk: undefined } });
});

test("a machine without a Docker that can be used says why, beside all the rest", () => {
  const engine = new Failure("is not installed", { cure: "install it" });
  const problems = problemsOf({
    survey: { engine, freeDisk: { folder: "/d", bytes: 0 } },
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
  const engine = { version: "29", cgroupVersion: 1 as const, dataRoot: "/d", imageStore: undefined };
  const inputs = { kubernetesVersion: { kind: "minor", minor: "1.35" } } as const;
  const problem = only(problemsOf({ survey: { engine }, inputs, catalog: builtInCatalog() }));
  assert.equal(problem.input, "kubernetes-version");
  assert.match(problem.reason, /1\.35\.\d+.*cgroup v1/);
  planOf({ inputs, catalog: builtInCatalog() });
  const config = 'kubeadmConfigPatches: ["{kind: KubeletConfiguration, failCgroupV1: false}"]';
  const { versions } = planOf({ survey: { engine }, inputs, config, catalog: builtInCatalog() });
  assert.match(versions.kubernetes, /^1\.35\./);
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
    survey: { freeDisk: { folder: "/d", bytes: 0 } },
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

test("a boot is accelerated with the catalog's images alone, also where the user names one", () => {
  const listed = planOf({}).versions.nodeImage;
  assert.ok("acceleration" in planOf({}).boot);
  assert.ok("acceleration" in planOf({ inputs: { nodeImage: listed } }).boot);
  assert.ok("plainBecause" in planOf({ inputs: { nodeImage: "mine/node:v1.28.15" } }).boot);
  assert.ok("plainBecause" in planOf({ config: "nodes:\n- image: mine/node:v1.28.15\n" }).boot);
});

test("a credentials-directory of the user's is where the files go", () => {
  const plan = planOf({ inputs: { credentialsDirectory: "/ws/c", user: "alice" } });
  assert.deepEqual([plan.credentials.directory, plan.credentials.certificate], ["/ws/c", "/ws/c/alice-signed.crt"]);
});

const mapped = (...ports: readonly string[]) =>
  `nodes:\n${ports.map((port) => `- role: control-plane\n  extraPortMappings: [{containerPort: 80, ${port}}]\n`).join("")}`;

test("a port that two places ask for is refused, naming both", () => {
  const clashing: readonly (readonly [string, string])[] = [
    [mapped("hostPort: 8080", "hostPort: 8080"), "nodes.1.extraPortMappings.0.hostPort"],
    [mapped("hostPort: 8080", "hostPort: 8080, protocol: tcp"), "nodes.1.extraPortMappings.0.hostPort"],
    [mapped("hostPort: 8080", "hostPort: 8080, listenAddress: 127.0.0.1"), "nodes.1.extraPortMappings.0.hostPort"],
    [
      mapped("hostPort: 8080, listenAddress: '::'", "hostPort: 8080, listenAddress: '0:0::1'"),
      "nodes.1.extraPortMappings.0.hostPort",
    ],
    [mapped("hostPort: 8080, protocol: udp", "hostPort: 8080, protocol: UDP"), "nodes.1.extraPortMappings.0.hostPort"],
    [`networking: {apiServerPort: 8080}\n${mapped("hostPort: 8080")}`, "networking.apiServerPort"],
  ];
  for (const [config, other] of clashing) {
    const problem = only(problemsOf({ config }));
    assert.equal(problem.input, "kind-config");
    assert.ok(problem.value.includes("nodes.0.extraPortMappings.0.hostPort: 8080"), problem.value);
    assert.ok(problem.value.includes(`${other}: 8080`), problem.value);
  }
  for (const config of [
    mapped("hostPort: 8080", "hostPort: 8081"),
    mapped("hostPort: 8080", "hostPort: 8080, protocol: UDP"),
    mapped("hostPort: 8080, listenAddress: 127.0.0.1", "hostPort: 8080, listenAddress: 127.0.0.2"),
    mapped("hostPort: 8080", "hostPort: 8080, listenAddress: '::1'"),
    mapped("hostPort: 0", "hostPort: 0"),
  ]) {
    planOf({ config });
  }
});

test("subnets that overlap are refused, naming both fields", () => {
  const networking = (fields: string) => `networking: {${fields}}\n`;
  const kind = [
    { network: "kind", subnet: "172.18.0.0/16" },
    { network: "kind", subnet: "fc00:f853:ccd:e793::/64" },
  ];
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      "podSubnet: 10.96.0.0/16",
      /podSubnet: 10\.96\.0\.0\/16 and networking\.serviceSubnet: 10\.96\.0\.0\/16 \(kind's default\)/,
    ],
    ["serviceSubnet: 10.244.128.0/24", /podSubnet: 10\.244\.0\.0\/16 \(kind's default\) and networking\.serviceSubnet/],
    ["podSubnet: 10.0.0.0/8", /podSubnet.*serviceSubnet/],
    ["podSubnet: 172.18.5.0/24", /podSubnet.*Docker's network kind: 172\.18\.0\.0\/16/],
    ["serviceSubnet: 172.17.0.0/24", /serviceSubnet.*Docker's network bridge/],
    ["ipFamily: ipv6, podSubnet: 'fd00:10:96::/64'", /podSubnet.*serviceSubnet: fd00:10:96::\/112/],
    ["ipFamily: dual, podSubnet: '10.200.0.0/16,fc00:f853:ccd:e793::/80'", /podSubnet: fc00.*network kind/],
  ];
  for (const [fields, expected] of cases) {
    const problem = only(
      problemsOf({
        config: networking(fields),
        survey: { subnets: [...kind, { network: "bridge", subnet: "172.17.0.0/16" }] },
      }),
    );
    assert.match(problem.value, expected);
  }
  planOf({ config: networking("podSubnet: 10.95.0.0/16"), survey: { subnets: kind } });
  planOf({ config: networking("ipFamily: dual"), survey: { subnets: kind } });
  // kind's network is made with its own IPv6 subnet where it is not there yet.
  assert.match(
    only(problemsOf({ config: networking("ipFamily: ipv6, podSubnet: 'fc00:f853:ccd::/48'") })).value,
    /network kind/,
  );
  // What nobody wrote is refused only where it cannot work.
  planOf({ survey: { subnets: [{ network: "bridge", subnet: "10.244.0.0/16" }] } });
  assert.match(
    only(problemsOf({ survey: { subnets: [{ network: "kind", subnet: "10.244.0.0/16" }] } })).value,
    /podSubnet/,
  );
});

test("a container that is not the cluster's and has a node's name is refused, and never replaced", () => {
  const held = { name: "bologna-control-plane", cluster: "", image: "busybox", status: "Exited (0) 2 days ago" };
  for (const existing of ["fail", "replace"] as const) {
    const problem = only(problemsOf({ survey: { names: [held] }, inputs: { existing } }));
    assert.deepEqual([problem.input, problem.value], ["cluster-name", "bologna"]);
    assert.match(problem.reason, /bologna-control-plane .*busybox, Exited/);
    assert.match(problem.fix, /existing: replace does not/);
  }
  const other = { ...held, cluster: "other" };
  assert.match(only(problemsOf({ survey: { names: [other] } })).reason, /bologna-control-plane/);
  planOf({ survey: { names: [{ ...held, name: "bologna-control-plane2" }] } });
  const balancer = { ...held, name: "bologna-external-load-balancer" };
  planOf({ survey: { names: [balancer] } });
  assert.match(
    only(problemsOf({ survey: { names: [balancer] }, inputs: { controlPlanes: 3 } })).reason,
    /load-balancer/,
  );
});

test("a container with the cluster's label that is not a node is refused, whatever existing says", () => {
  const labelled = { ...container("bologna"), name: "web" };
  for (const existing of ["fail", "replace"] as const) {
    assert.match(
      only(problemsOf({ survey: { containers: [labelled] }, inputs: { existing } })).reason,
      /container web/,
    );
  }
});

test("a value is named as the field that the user wrote", () => {
  const config = `name: ${"a".repeat(60)}\n`;
  assert.deepEqual(only(problemsOf({ config })).input, "kind-config");
  assert.deepEqual(planOf({ config: "networking: {apiServerAddress: 192.0.2.7}\n" }).shape.addressField, {
    input: "kind-config",
    value: "networking.apiServerAddress: 192.0.2.7",
  });
  assert.equal(planOf({ inputs: { apiServerAddress: "192.0.2.7" } }).shape.addressField.input, "api-server-address");
});

test("no problem rests on the default in a rejected value's place", () => {
  const none = (facts: Facts) => {
    const decided = decide(facts);
    assert.deepEqual("problems" in decided ? decided.problems : [], [], JSON.stringify(facts));
  };
  const there = { containers: [container("bologna")] };
  none({ rejected: ["cluster-name"], survey: there });
  none({ rejected: ["kind-config"], survey: there });
  none({ rejected: ["existing"], survey: there });
  only(problemsOf({ rejected: ["kind-config"], survey: there, inputs: { clusterName: "bologna" } }));
  const kubectlVersion = { kind: "minor", minor: "1.34" } as const;
  none({ rejected: ["kubernetes-version"], inputs: { kubectlVersion } });
  none({ rejected: ["node-image"], inputs: { kubectlVersion } });
  none({ rejected: ["kind-version"], inputs: { kubectlVersion, kubernetesVersion: { kind: "latest" } } });
  none({ rejected: ["kubernetes-version"], inputs: { kindVersion: { kind: "exact", version: "0.30.0" } } });
  none({ rejected: ["catalog"], inputs: { kubernetesVersion: { kind: "exact", version: "1.99.0" } } });
  // What does not rest on it is said all the same.
  const unknown = { kindVersion: { kind: "exact", version: "9.9.9" } } as const;
  assert.equal(only(problemsOf({ rejected: ["kubernetes-version"], inputs: unknown })).input, "kind-version");
  const missing = { kubernetesVersion: { kind: "exact", version: "1.99.0" } } as const;
  assert.equal(only(problemsOf({ rejected: ["kind-version"], inputs: missing })).input, "kubernetes-version");
});
