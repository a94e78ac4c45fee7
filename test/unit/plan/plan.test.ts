import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import type { ClusterContainer } from "../../../src/docker/containers.ts";
import type { Problem } from "../../../src/errors.ts";
import { Failure } from "../../../src/errors.ts";
import type { Host } from "../../../src/host/inspect.ts";
import type { TakenPort } from "../../../src/host/ports.ts";
import { type Inputs, readInputs } from "../../../src/inputs/inputs.ts";
import { checkPlaces } from "../../../src/plan/decide.ts";
import { type Plan, planRun } from "../../../src/plan/plan.ts";
import { describeTakenPorts } from "../../../src/plan/ports.ts";
import { voucherFor } from "../../../src/tools/sources.ts";
import { builtInCatalog } from "../../../src/versions/catalog.ts";
import { CATALOG, configure, createInputs, createSurvey, digest, environmentOf, FOLDERS, only } from "../builders.ts";

interface Facts {
  readonly inputs?: Partial<Inputs>;
  readonly survey?: Partial<Host>;
  readonly config?: string;
  readonly catalog?: typeof CATALOG;
  readonly rejected?: readonly string[];
}

function decide({ inputs = {}, survey = {}, config, catalog = CATALOG, rejected = [] }: Facts) {
  return planRun({
    inputs: createInputs(inputs),
    files: { configuration: config === undefined ? undefined : configure(config), catalog, problems: [] },
    host: createSurvey(survey),
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
    "name: mine (line 3, column 7 of inline)",
  );
});

const GIB = 1024 ** 3;
/** A machine whose disk for images is full. */
const FULL = { images: { folder: "/d", bytes: 0 }, volumes: undefined };

test("too little disk is a problem that says how much there is, and an unknown one is none", () => {
  const [images, volumes] = ["/var/lib/containerd", "/var/lib/docker"];
  const disks = (imageBytes: number, volumeBytes: number) => ({
    disks: { images: { folder: images, bytes: imageBytes }, volumes: { folder: volumes, bytes: volumeBytes } },
  });
  const problem = only(problemsOf({ survey: disks(GIB, GIB) }));
  assert.match(problem.value, /1\.0 GiB free in \/var\/lib\/containerd/);
  assert.match(problem.allowed, /2 GiB/);
  planOf({ survey: disks(2 * GIB, GIB / 2) });
  planOf({ survey: { disks: { images: undefined, volumes: undefined } } });
  // A small /var/lib/docker beside a large image store holds volumes alone.
  const small = only(problemsOf({ survey: disks(50 * GIB, GIB / 4) }));
  assert.match(small.value, /0\.3 GiB free in \/var\/lib\/docker/);
  assert.match(`${small.reason} ${small.allowed}`, /volumes.*0\.5 GiB/);
});

test("a machine without a Docker that can be used says why, beside all the rest", () => {
  const engine = new Failure("is not installed", { fix: "install it" });
  const problems = problemsOf({
    survey: { engine, disks: FULL },
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
    survey: { disks: FULL },
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

test("a tool comes from its mirror, with the catalog's checksum for this processor where there is one", () => {
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
    assert.match(problem.reason, /line \d+, column \d+: nodes\.0\.extraPortMappings\.0\.hostPort \(/);
    assert.ok(problem.reason.includes(`: ${other} (`), problem.reason);
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

test("a port that two nodes ask for and that is in use is one problem", async (context) => {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const { port } = address;
  const check = async (config: string) => {
    const facts = { survey: createSurvey(), inputs: createInputs() };
    const { places, ...planned } = decide({ config });
    const taken = await checkPlaces(places, facts.inputs, facts.survey, new Set());
    return [...("problems" in planned ? planned.problems : []), ...taken].map(({ reason }) => reason);
  };
  assert.match(only(await check(mapped(`hostPort: ${port}`, `hostPort: ${port}`))), /twice/);
  assert.match(only(await check(mapped(`hostPort: ${port}`))), /listens on already/);
});

test("an address that was not written is not blamed where the machine lacks IPv6", () => {
  const taken = (fields: Partial<TakenPort>): TakenPort => ({
    address: "::",
    port: 8080,
    protocol: "tcp",
    source: "nodes.0.extraPortMappings.0.hostPort",
    trouble: "no such address",
    addressWritten: false,
    ...fields,
  });
  const ipv6 = `networking: {ipFamily: ipv6}\n${mapped("hostPort: 1, listenAddress: '::1'", "hostPort: 2")}`;
  const describe = (refused: boolean, ...ports: readonly Partial<TakenPort>[]) =>
    describeTakenPorts(ports.map(taken), refused, configure(ipv6));
  assert.deepEqual(describe(true, {}, { port: 8081 }), []);
  const missing = only(describe(false, {}, { port: 8081 }));
  assert.match(`${missing.value} ${missing.reason}`, /networking\.ipFamily.*does not have IPv6/);
  for (const refused of [true, false]) {
    const written = only(describe(refused, { address: "203.0.113.7", addressWritten: true }));
    assert.match(
      written.reason,
      /^line 6, column \d+: nodes\.0\.extraPortMappings\.0\.listenAddress is not an address of this machine: /,
    );
    const inUse = only(describe(refused, { trouble: "in use" }));
    assert.match(inUse.reason, /^line 6, column \d+: nodes\.0\S+hostPort is a port .* listens on already/);
    assert.equal(inUse.value, "inline");
  }
  assert.deepEqual(
    decide({ config: ipv6 }).places.ports.map(({ addressWritten }) => addressWritten),
    [true, false],
  );
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
    [
      "serviceSubnet: 10.244.128.0/24",
      /podSubnet: 10\.244\.0\.0\/16 \(kind's default\) and line \d+, column \d+: networking\.serviceSubnet/,
    ],
    ["podSubnet: 10.0.0.0/8", /podSubnet.*serviceSubnet/],
    ["podSubnet: 172.18.5.0/24", /podSubnet.*Docker's network kind: 172\.18\.0\.0\/16/],
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
    assert.match(problem.reason, expected);
    assert.match(problem.reason, /line 3, column \d+: networking\./);
    assert.equal(problem.value, "inline");
  }
  planOf({ config: networking("podSubnet: 10.95.0.0/16"), survey: { subnets: kind } });
  planOf({ config: networking("ipFamily: dual"), survey: { subnets: kind } });
  // kind's network is made with its own IPv6 subnet where it is not there yet.
  assert.match(
    only(problemsOf({ config: networking("ipFamily: ipv6, podSubnet: 'fc00:f853:ccd::/48'") })).reason,
    /network kind/,
  );
  // A default is refused only where it cannot work.
  planOf({ survey: { subnets: [{ network: "bridge", subnet: "10.244.0.0/16" }] } });
  assert.match(
    only(problemsOf({ survey: { subnets: [{ network: "kind", subnet: "10.244.0.0/16" }] } })).value,
    /podSubnet/,
  );
});

test("a subnet that overlaps with Docker's default network is a warning, unless TORCH-V2 uses that network's gateway", () => {
  const config = "networking: {podSubnet: 172.17.0.0/16}\n";
  const warning = only(planOf({ config }).warnings);
  assert.match(
    warning,
    /podSubnet.*: 172\.17\.0\.0\/16 overlaps with Docker's network bridge: 172\.17\.0\.0\/16.*Fix: /,
  );
  const { torch } = readInputs(environmentOf({ torch: "torch_v2" }), FOLDERS).inputs;
  assert.ok(torch !== undefined);
  assert.equal(only(planOf({ config, inputs: { torch } }).warnings), warning);
  const problem = only(problemsOf({ config, inputs: { torch: { ...torch, endpoint: "external" } } }));
  assert.match(`${problem.value} ${problem.reason}`, /podSubnet.*: 172\.17\.0\.0\/16 and Docker's network bridge/);
  assert.deepEqual(planOf({ config: "networking: {podSubnet: 172.30.0.0/16}\n" }).warnings, []);
  assert.deepEqual(planOf({ survey: { subnets: [{ network: "bridge", subnet: "10.244.0.0/16" }] } }).warnings, []);
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
    value: "networking.apiServerAddress: 192.0.2.7 (line 3, column 32 of inline)",
  });
  assert.equal(planOf({ inputs: { apiServerAddress: "192.0.2.7" } }).shape.addressField.input, "api-server-address");
});

test("labels of a patch are refused where kubeadm reads the patch, and where its apiVersion is the one of these versions", () => {
  const patch = (kind: string, more = "") =>
    `{kind: ${kind}${more}, nodeRegistration: {kubeletExtraArgs: {node-labels: 'kubernetes.io/foo=c'}}}`;
  const on = (role: string, text: string) => `- role: ${role}\n  kubeadmConfigPatches: [${JSON.stringify(text)}]\n`;
  const top = (text: string) => `kubeadmConfigPatches: [${JSON.stringify(text)}]\n`;
  const v1beta = (version: number) => `, apiVersion: kubeadm.k8s.io/v1beta${version}`;
  const refused = [
    top(patch("InitConfiguration")),
    top(patch("InitConfiguration", v1beta(3))),
    top(patch("JoinConfiguration")),
    `nodes:\n${on("control-plane", patch("InitConfiguration"))}`,
    `nodes:\n- role: control-plane\n${on("worker", patch("JoinConfiguration"))}`,
  ];
  for (const config of refused) {
    const problem = only(problemsOf({ config }));
    assert.match(problem.reason, /^line \d+, column \d+: \S*kubeadmConfigPatches\.0 has in its node-labels "kubern/);
  }
  const unread = [
    top(patch("InitConfiguration", v1beta(4))),
    top(patch("ClusterConfiguration")),
    `nodes:\n- role: control-plane\n${on("worker", patch("InitConfiguration"))}`,
    `nodes:\n${on("control-plane", patch("JoinConfiguration"))}- role: worker\n`,
    `${top(patch("JoinConfiguration"))}nodes:\n- role: control-plane\n`,
  ];
  for (const config of unread) planOf({ config });
  // Without the versions, a patch that names its apiVersion cannot be judged.
  const config = top(patch("InitConfiguration", v1beta(3)));
  const unknown = decide({ config, rejected: ["kubernetes-version"] });
  assert.deepEqual("problems" in unknown ? unknown.problems : undefined, []);
  only(problemsOf({ config: refused[0] ?? "", rejected: ["kubernetes-version"] }));
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
