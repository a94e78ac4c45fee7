import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { parseKindConfiguration, type UserConfiguration } from "../../../../src/cluster/config/read.ts";
import { OWNER_MOUNT, RESOLV_CONF_MOUNT, renderKindConfiguration } from "../../../../src/cluster/config/render.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { fastBootPatch, planBoot } from "../../../../src/cluster/fast-boot/plan.ts";
import { clusterName } from "../../../../src/values/names.ts";
import { configure, createInputs, HEADER, misconfigure, only, VERSIONS } from "../../builders.ts";

interface Rendered {
  readonly name: string;
  readonly networking: Readonly<Record<string, unknown>>;
  readonly kubeadmConfigPatches: readonly string[];
  readonly containerdConfigPatches?: readonly string[];
  readonly nodes: readonly {
    readonly role?: string;
    readonly image: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly extraMounts: readonly { readonly hostPath: string; readonly containerPath: string }[];
    readonly kubeadmConfigPatches?: readonly string[];
  }[];
}

interface RenderOptions {
  readonly user?: UserConfiguration;
  readonly resolvConf?: string;
  readonly accelerated?: boolean;
}

function render(overrides: Parameters<typeof createInputs>[0], { user, resolvConf, accelerated }: RenderOptions = {}) {
  const shape = planShape(createInputs(overrides), user);
  assert.deepEqual(shape.problems, []);
  const isAccelerated = accelerated === true && "acceleration" in planBoot(shape, user, "1.28.15");
  const rendered: Rendered = JSON.parse(
    renderKindConfiguration(
      shape,
      VERSIONS,
      user,
      { owner: "/run/owner", resolvConf },
      isAccelerated ? [fastBootPatch()] : [],
    ),
  );
  return rendered;
}

// Reading

test("a configuration is read with what the plan asks of it", () => {
  const user = configure(
    "name: mine\nnetworking: {podSubnet: 10.9.0.0/16}\nnodes:\n- role: control-plane\n- role: worker\n",
  );
  assert.equal(user.name, "mine");
  assert.equal(user.nodes.length, 2);
  assert.equal(user.networking.podSubnet, "10.9.0.0/16");
});

test("lists and mappings that are left empty count as left out", () => {
  for (const body of ["nodes:\n", "nodes: null\n", "nodes: []\n", "networking:\n", "networking: {}\n", ""]) {
    const user = configure(body);
    assert.deepEqual([user.nodes, user.networking], [[], {}], body);
    assert.deepEqual(
      planShape(createInputs(), user).nodes.map((node) => node.name),
      ["bologna-control-plane", "bologna-worker"],
    );
  }
});

test("a name and an image that are empty count as left out, as for kind", () => {
  for (const empty of ["''", '""', "", "~", "!!str"]) {
    const user = configure(`name: ${empty}\nnodes:\n- role: control-plane\n  image: ${empty}\n`);
    const shape = planShape(createInputs({ clusterName: "mine", nodeImage: "a:1" }), user);
    assert.deepEqual([user.name, shape.name, shape.problems], [undefined, "mine", []], empty);
    assert.equal(planShape(createInputs(), user).name, "bologna");
    assert.equal(only(render({}, { user }).nodes).image, VERSIONS.nodeImage);
  }
});

test("Windows' line ends and a byte order mark change nothing", () => {
  const text = `\uFEFF${HEADER}name: mine\nnodes:\n- role: worker\n- {}\n`.replaceAll("\n", "\r\n");
  const read = parseKindConfiguration(text, "inline");
  assert.ok("configuration" in read);
  assert.deepEqual([read.configuration.name, read.configuration.nodes.length], ["mine", 2]);
});

test("what is not YAML is refused with its line and column", () => {
  const cases: readonly (readonly [string, number, number])[] = [
    ["name: mine\n\tnodes: []\n", 4, 1],
    ["name: a\nname: b\n", 4, 1],
    ["name: 'a\n", 4, 1],
    ["---\nkind: Cluster\n", 4, 1],
  ];
  for (const [body, line, column] of cases) {
    const reasons = misconfigure(body).map((problem) => problem.reason);
    assert.ok(
      reasons.some((reason) => new RegExp(`line ${line}, column ${column}[:)]`).test(reason)),
      `${body}: ${reasons}`,
    );
  }
  const windows = misconfigure("\r\nname: a\r\nname: b\r\n");
  assert.match(windows[0]?.reason ?? "", /line 5, column 1/);
});

test("what has the wrong form is refused with the place of the value", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["name: [a]\n", /line 3, column 7: name/],
    ["networking: []\n", /line 3, column 13: networking/],
    ["networking: on\n", /line 3, column 13: networking/],
    ["nodes: {}\n", /line 3, column 8: nodes/],
    ["nodes: ''\n", /line 3, column 8: nodes/],
    ["nodes: [null]\n", /line 3, column \d+: nodes/],
    ["nodes:\n- control-plane\n", /line 4, column \d+: nodes/],
    ["nodes:\n- role: control-plane\n- role: master\n", /line 5, column 9: nodes\.1\.role/],
    ["nodes:\n- role: Worker\n", /line 4, column 9: nodes\.0\.role/],
    ["nodes:\n- role: __proto__\n", /line 4, column 9: nodes\.0\.role/],
    ["nodes:\n- image: 1.28\n", /line 4, column 10: nodes\.0\.image/],
    ["nodes:\n- image: --help\n", /line 4, column 10: nodes\.0\.image/],
    ["nodes:\n- image: a b:1\n", /line 4, column 10: nodes\.0\.image/],
    ["nodes:\n- extraMounts: {hostPath: /a}\n", /line 4, column 16: nodes\.0\.extraMounts/],
    ["nodes:\n- kubeadmConfigPatches: a\n", /line 4, column 25: nodes\.0\.kubeadmConfigPatches/],
    ["kubeadmConfigPatches: {}\n", /line 3, column 23: kubeadmConfigPatches/],
    ["kubeadmConfigPatches:\n- kind: ClusterConfiguration\n", /line 4, column \d+: kubeadmConfigPatches/],
    ["networking:\n  apiServerAddress: 5\n", /line 4, column 21: networking\.apiServerAddress/],
    ["networking:\n  podSubnet: 5\n", /line 4, column 14: networking\.podSubnet/],
    ["networking:\n  serviceSubnet: [a]\n", /line 4, column 18: networking\.serviceSubnet/],
    ["networking:\n  apiServerAddress: here\n", /line 4, column 21: networking\.apiServerAddress/],
  ];
  for (const [body, place] of cases) {
    const problems = misconfigure(body);
    assert.ok(problems.length > 0, `accepted: ${body}`);
    assert.match(problems.map((problem) => problem.reason).join("\n"), place, body);
    for (const problem of problems) assert.equal(problem.input, "kind-config");
  }
});

test("a name in the configuration is held to the same rule as cluster-name", () => {
  for (const name of [
    "../../../etc",
    "Bologna",
    "a b",
    "a..b",
    ".a",
    "a.",
    "a-.b",
    "-a",
    "\\0",
    "a\\nb",
    "x".repeat(64),
  ]) {
    assert.ok(misconfigure(`name: "${name}"\n`).length > 0, name);
  }
});

test("no readable configuration has a name that could leave a folder", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom("..", "/", "a/b")), (name) => {
      const read = parseKindConfiguration(HEADER + stringify({ name }), "inline");
      if ("configuration" in read && read.configuration.name !== undefined) {
        assert.ok("value" in clusterName(read.configuration.name), name);
        assert.equal(basename(join("/folder", read.configuration.name)), read.configuration.name);
      }
    }),
  );
});

test("a document that is no kind configuration is refused", () => {
  const texts = [
    "",
    "\n",
    "null",
    "[]",
    "- a",
    "just words",
    "5",
    "\0",
    "kind: Cluster",
    "kind: Pod\napiVersion: v1",
    "{}",
    "# a",
  ];
  for (const text of [
    ...texts,
    "kind: cluster\napiVersion: kind.x-k8s.io/v1alpha4",
    "kind: Cluster\napiVersion: kind.sigs.k8s.io/v1alpha3",
  ]) {
    assert.ok("problems" in parseKindConfiguration(text, "inline"), JSON.stringify(text));
  }
});

test("a prototype in the document gives it no fields", () => {
  assert.ok("problems" in parseKindConfiguration(`__proto__: {${HEADER.trim().replace("\n", ", ")}}\n`, "inline"));
  assert.match(only(misconfigure("__proto__: {name: stolen}\n")).reason, /__proto__ is not a field/);
});

test("what kind would refuse only when it is run is refused with its place", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["nodez: []\n", /line 3, column \d+: nodez is not a field/],
    [
      "nodes:\n- role: control-plane\n  extraPortMapping: []\n",
      /line 5, column \d+: nodes.0.extraPortMapping is not a field/,
    ],
    ["nodes:\n- extraPortMappings: nonsense\n", /extraPortMappings is not a list/],
    ["nodes:\n- extraMounts:\n  - {hostpath: /x}\n", /hostpath is not a field/],
    ["networking: {ipFamily: ipv5}\n", /ipFamily is not one of the choices/],
    ["networking: {kubeProxyMode: foo}\n", /kubeProxyMode is not one/],
    ["networking: {podSubnet: garbage}\n", /podSubnet is not a subnet/],
  ];
  for (const [body, reason] of cases) assert.match(only(misconfigure(body)).reason, reason, body);
  const dual = configure(
    "networking: {ipFamily: dual, podSubnet: '10.244.0.0/16,fd00:10:244::/56', kubeProxyMode: none}\n",
  );
  assert.equal(dual.networking.ipFamily, "dual");
});

test("all that is wrong with a configuration is said together", () => {
  const problems = misconfigure("name: A\nnodes:\n- role: a\n- role: b\nkubeadmConfigPatches: 1\n");
  assert.equal(problems.length, 4);
});

test("anchors, aliases and merge keys are what kind makes of them", () => {
  const user = configure(
    "nodes:\n- role: control-plane\n- &w\n  role: worker\n  labels: {a: b}\n- *w\n- <<: *w\n  labels: {c: d}\n",
  );
  assert.deepEqual(
    planShape(createInputs(), user).nodes.map((node) => node.role),
    ["control-plane", "worker", "worker", "worker"],
  );
  const last = render({}, { user }).nodes[3];
  assert.deepEqual([last?.role, last?.labels], ["worker", { c: "d" }]);
});

test("an alias bomb is refused before it is expanded", () => {
  const levels = Array.from({ length: 12 }, (_, level) =>
    level === 0
      ? "a0: &a0 [x, x, x]"
      : `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(", ")}]`,
  );
  assert.match(only(misconfigure(`${levels.join("\n")}\n`)).reason, /alias/i);
});

test("an alias bomb in a patch is refused as well", () => {
  const levels = Array.from({ length: 12 }, (_, level) =>
    level === 0
      ? "a0: &a0 [x, x, x]"
      : `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(", ")}]`,
  );
  const patch = `kind: ClusterConfiguration\n${levels.join("\n")}`;
  assert.ok(misconfigure(stringify({ kubeadmConfigPatches: [patch] })).length > 0);
  assert.ok(misconfigure(stringify({ nodes: [{ kubeadmConfigPatches: [patch] }] })).length > 0);
});

test("an alias that nobody anchored, and one that holds itself, are refused", () => {
  assert.ok(misconfigure("name: *nobody\n").length > 0);
  assert.ok(misconfigure("nodes: &all\n- role: control-plane\n  extraMounts: *all\n").length > 0);
  assert.ok(misconfigure("x: &x {y: *x}\n").length > 0);
});

test("a text far larger than any configuration, or nested far deeper, is refused", () => {
  assert.ok(misconfigure(`# ${"x".repeat(1_000_001)}\n`).length > 0);
  assert.ok(misconfigure(`x: ${"[".repeat(5000)}${"]".repeat(5000)}\n`).length > 0);
});

test("a report stays readable however many errors a text has", () => {
  assert.ok(misconfigure("}\n".repeat(2000)).length <= 20);
});

test("what is not named of many problems is counted", () => {
  const bodyOf = (count: number) => `nodes:\n${"- role: master\n".repeat(count)}`;
  assert.equal(misconfigure(bodyOf(20)).length, 20);
  for (const [count, words] of [
    [21, "has 1 more problem"],
    [27, "has 7 more problems"],
  ] as const) {
    const problems = misconfigure(bodyOf(count));
    assert.equal(problems.length, 21);
    assert.deepEqual([problems[20]?.input, problems[20]?.reason], ["kind-config", words]);
  }
});

test("a patch with broken YAML is refused, naming where it stands", () => {
  const broken = "kind: ClusterConfiguration\n  apiServer: {";
  const reasons = (body: unknown) =>
    misconfigure(stringify(body))
      .map((problem) => problem.reason)
      .join("\n");
  assert.match(reasons({ kubeadmConfigPatches: ["kind: KubeletConfiguration\n", broken] }), /kubeadmConfigPatches\.1/);
  assert.match(reasons({ nodes: [{ kubeadmConfigPatches: [broken] }] }), /nodes\.0\.kubeadmConfigPatches\.0/);
});

test("a switch that is no boolean is never silently taken for off", () => {
  const read = parseKindConfiguration(`${HEADER}networking: {disableDefaultCNI: yes}\n`, "inline");
  if ("configuration" in read) assert.equal(planShape(createInputs(), read.configuration).defaultCni, false);
});

test("a mount or a port that is no mapping is refused", () => {
  for (const item of ["null", "hello", "[]"]) {
    for (const field of ["extraMounts", "extraPortMappings"]) {
      const problem = only(misconfigure(`nodes:\n- ${field}:\n  - ${item}\n`));
      assert.match(problem.reason, new RegExp(`nodes\\.0\\.${field}\\.0 is not a mapping`));
    }
  }
});

test("no text makes the reader throw, and what it takes can be rendered", () => {
  const yaml = fc.string({ unit: fc.constantFrom(..."ab:-[]{}&*!|>'\"#%@,? \n\t\0"), maxLength: 40 });
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(null, "worker", "", -0, Number.POSITIVE_INFINITY));
  const fields = fc.dictionary(
    fc.constantFrom("name", "nodes", "networking", "kubeadmConfigPatches", "featureGates"),
    value,
  );
  const nodes = fc.array(fc.dictionary(fc.constantFrom("role", "image", "extraMounts", "kubeadmConfigPatches"), value));
  const structured = fc
    .oneof(
      fields,
      nodes.map((list) => ({ nodes: list })),
    )
    .map((data) => HEADER + stringify(data));
  fc.assert(
    fc.property(
      fc.oneof(
        yaml,
        yaml.map((text) => HEADER + text),
        structured,
      ),
      (text) => {
        const read = parseKindConfiguration(text, "inline");
        if ("problems" in read) {
          assert.ok(read.problems.length > 0);
          return;
        }
        const shape = planShape(createInputs(), read.configuration);
        const mounts = { owner: "/run/owner", resolvConf: undefined };
        const rendered: Rendered = JSON.parse(renderKindConfiguration(shape, VERSIONS, read.configuration, mounts, []));
        assert.ok(rendered.nodes.every((node) => node.extraMounts.some((mount) => mount.hostPath === "/run/owner")));
      },
    ),
    { numRuns: 500 },
  );
});

// The shape

test("nothing said gives the guide's cluster", () => {
  const shape = planShape(createInputs(), undefined);
  assert.deepEqual(
    shape.nodes.map((node) => node.name),
    ["bologna-control-plane", "bologna-worker"],
  );
  assert.deepEqual(
    [shape.apiServerAddress, shape.dns.kind, shape.defaultCni, shape.problems],
    ["127.0.0.1", "no-search-domains", true, []],
  );
});

test("an input that says the same as the configuration is no contradiction", () => {
  const user = configure(
    "name: mine\nnetworking: {apiServerAddress: 0.0.0.0}\nnodes:\n- image: a:1\n- role: worker\n  image: a:1\n",
  );
  const same = { clusterName: "mine", controlPlanes: 1, workers: 1, apiServerAddress: "0.0.0.0", nodeImage: "a:1" };
  assert.deepEqual(planShape(createInputs(same), user).problems, []);
});

test("each contradiction names the input, kind-config, and both values", () => {
  const user = configure(
    "name: mine\nnetworking: {apiServerAddress: 0.0.0.0, dnsSearch: [a.example]}\nnodes:\n- image: a:1\n- role: worker\n",
  );
  const cases: readonly (readonly [Parameters<typeof createInputs>[0], string, string, RegExp])[] = [
    [{ clusterName: "other" }, "cluster-name", "other", /mine/],
    [{ controlPlanes: 3 }, "control-planes", "3", /1 node/],
    [{ workers: 0 }, "workers", "0", /1 node/],
    [{ nodeImage: "b:1" }, "node-image", "b:1", /a:1/],
    [{ apiServerAddress: "127.0.0.1" }, "api-server-address", "127.0.0.1", /0\.0\.0\.0/],
    [{ dns: { kind: "docker-host" } }, "dns", "docker-host", /a\.example/],
  ];
  for (const [overrides, input, value, theirs] of cases) {
    const problem = only(planShape(createInputs(overrides), user).problems);
    assert.equal(problem.input, `${input} and kind-config`);
    assert.equal(problem.value, value);
    assert.match(problem.reason, theirs);
    assert.match(problem.reason, /contradicts kind-config \(inline, line \d+, column \d+\)/);
    assert.match(problem.fix, new RegExp(input));
  }
  const all = Object.assign({}, ...cases.map(([overrides]) => overrides));
  assert.equal(planShape(createInputs(all), user).problems.length, cases.length);
});

test("a field that the configuration leaves empty contradicts nothing", () => {
  const user = configure("networking:\n  apiServerAddress:\n  dnsSearch:\n");
  const shape = planShape(createInputs({ apiServerAddress: "0.0.0.0", dns: { kind: "inherit" } }), user);
  assert.deepEqual([shape.problems, shape.apiServerAddress], [[], "0.0.0.0"]);
});

test("counts that a configuration without nodes leaves open come from the inputs", () => {
  const shape = planShape(createInputs({ controlPlanes: 2, workers: 0 }), configure("name: mine\n"));
  assert.deepEqual(
    shape.nodes.map((node) => node.name),
    ["mine-control-plane", "mine-control-plane2"],
  );
  assert.deepEqual(shape.problems, []);
});

test("a configuration without a control plane is refused", () => {
  assert.match(
    only(planShape(createInputs(), configure("nodes:\n- role: worker\n")).problems).reason,
    /^line 4, column 1: nodes has no control-plane/,
  );
});

test("a name is refused where a node's hostname would be longer than 63", () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [1, 0, 49],
    [1, 10, 49],
    [2, 0, 40],
  ];
  for (const [controlPlanes, workers, room] of cases) {
    const shapeOf = (clusterName: string) =>
      planShape(createInputs({ clusterName, controlPlanes, workers }), undefined);
    assert.deepEqual(shapeOf("x".repeat(room)).problems, []);
    const problem = only(shapeOf("x".repeat(room + 1)).problems);
    assert.equal(problem.input, "cluster-name");
    assert.match(problem.allowed, new RegExp(`at most ${room} `));
  }
});

test("search domains of the user's own mean that nothing is changed about names", () => {
  const user = configure("networking: {dnsSearch: [a.example]}\n");
  assert.equal(planShape(createInputs(), user).dns.kind, "inherit");
  assert.deepEqual(render({}, { user }).networking.dnsSearch, ["a.example"]);
});

test("a network plugin of the user's own means that nodes cannot get ready by themselves", () => {
  assert.equal(planShape(createInputs(), configure("networking: {disableDefaultCNI: true}\n")).defaultCni, false);
});

// What kind gets

test("the user's configuration is handed on, with ours added to it", () => {
  const user = configure(
    [
      "containerdConfigPatches: ['x = 1']",
      "networking: {podSubnet: 10.9.0.0/16, kubeProxyMode: nftables}",
      "nodes:",
      "- labels: {a: b}",
      "  extraMounts: [{hostPath: /data, containerPath: /data}]",
      "- role: worker",
      "  image: other:v1.27.1",
      "",
    ].join("\n"),
  );
  const rendered = render({}, { user });
  assert.deepEqual(rendered.containerdConfigPatches, ["x = 1"]);
  assert.deepEqual(rendered.networking, {
    podSubnet: "10.9.0.0/16",
    kubeProxyMode: "nftables",
    apiServerAddress: "127.0.0.1",
    dnsSearch: [],
  });
  assert.deepEqual(
    rendered.nodes.map((node) => node.image),
    [VERSIONS.nodeImage, "other:v1.27.1"],
  );
  assert.deepEqual(rendered.nodes[0]?.labels, { a: "b" });
  assert.deepEqual(
    rendered.nodes[0]?.extraMounts.map((mount) => mount.containerPath),
    ["/data", OWNER_MOUNT],
  );
  assert.deepEqual(
    rendered.nodes[1]?.extraMounts.map((mount) => mount.containerPath),
    [OWNER_MOUNT],
  );
});

test("every node carries the run's mount, and the resolv.conf where one is asked for", () => {
  const rendered = render(
    { controlPlanes: 2, workers: 3, dns: { kind: "resolv-conf", path: "/ws/r" } },
    { resolvConf: "/ws/r" },
  );
  assert.equal(rendered.nodes.length, 5);
  for (const node of rendered.nodes) {
    assert.deepEqual(
      node.extraMounts.map((mount) => [mount.hostPath, mount.containerPath]),
      [
        ["/run/owner", OWNER_MOUNT],
        ["/ws/r", RESOLV_CONF_MOUNT],
      ],
    );
  }
  const kubelet = rendered.kubeadmConfigPatches
    .map((patch) => parse(patch))
    .find((patch) => patch.kind === "KubeletConfiguration");
  assert.equal(kubelet.resolvConf, RESOLV_CONF_MOUNT);
});

test("a patch of the user's comes after ours that it may override", () => {
  const user = configure("kubeadmConfigPatches:\n- |\n  kind: KubeletConfiguration\n  maxPods: 20\n");
  const patches = render({ dns: { kind: "docker-host" } }, { user, resolvConf: "/r" }).kubeadmConfigPatches;
  const kubelets = patches.map((patch) => parse(patch)).filter((patch) => patch.kind === "KubeletConfiguration");
  assert.equal(kubelets.at(-1).maxPods, 20);
});

test("an input that a patch of the user's would undo in silence contradicts it", () => {
  const kubelet = configure(
    "nodes:\n- kubeadmConfigPatches:\n  - |\n    kind: KubeletConfiguration\n    resolvConf: /mine\n",
  );
  const dns = planShape(createInputs({ dns: { kind: "docker-host" } }), kubelet).problems;
  assert.match(only(dns).input, /dns and kind-config/);
  const json = configure(
    'kubeadmConfigPatchesJSON6902:\n- group: kubeadm.k8s.io\n  version: v1beta3\n  kind: ClusterConfiguration\n  patch: \'[{"op": "replace", "path": "/apiServer/certSANs", "value": []}]\'\n',
  );
  const sans = planShape(createInputs({ extraSans: ["a.test"] }), json).problems;
  assert.match(only(sans).input, /extra-sans and kind-config/);
});

test("only `inherit` keeps the host's search domains", () => {
  assert.deepEqual(render({}).networking.dnsSearch, []);
  assert.ok(!("dnsSearch" in render({ dns: { kind: "inherit" } }).networking));
  assert.deepEqual(render({ dns: { kind: "docker-host" } }, { resolvConf: "/r" }).networking.dnsSearch, []);
});

// The certificate's names: a list in a kubeadm patch replaces the one before

/** RFC 7386, which kind follows in applying a patch. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result = new Map(
    typeof target === "object" && target !== null && !Array.isArray(target) ? Object.entries(target) : [],
  );
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merge(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/** The names in the certificate that a control plane's kubeadm would make. */
function effectiveSans(rendered: Rendered): readonly (readonly unknown[])[] {
  const own = { apiServer: { certSANs: ["localhost", rendered.networking.apiServerAddress] } };
  return rendered.nodes
    .filter((node) => node.role !== "worker")
    .map((node) => {
      const patches: readonly unknown[] = [...rendered.kubeadmConfigPatches, ...(node.kubeadmConfigPatches ?? [])].map(
        (patch) => parse(patch),
      );
      const merged = patches
        .filter(
          (patch) =>
            typeof patch === "object" && patch !== null && Reflect.get(patch, "kind") === "ClusterConfiguration",
        )
        .reduce(merge, own);
      const server: unknown =
        typeof merged === "object" && merged !== null ? Reflect.get(merged, "apiServer") : undefined;
      const sans: unknown = typeof server === "object" && server !== null ? Reflect.get(server, "certSANs") : undefined;
      return Array.isArray(sans) ? sans : [];
    });
}

const sanPatch = (names: readonly string[] | null) =>
  stringify({ kind: "ClusterConfiguration", apiServer: { certSANs: names } });

test("the certificate's names are the union of kind's, the patches' and extra-sans, whoever says what", () => {
  const names = (...pool: readonly string[]) => fc.option(fc.subarray([...pool]), { nil: undefined });
  fc.assert(
    fc.property(
      names("a.example", "b.example", "localhost"),
      names("b.example", "c.example"),
      fc.subarray(["a.example", "d.example", "192.0.2.7"]),
      fc.option(fc.constantFrom("127.0.0.1", "0.0.0.0", "192.0.2.1", "::", "::1"), { nil: undefined }),
      fc.boolean(),
      (cluster, node, extraSans, apiServerAddress, accelerated) => {
        const body = {
          ...(cluster === undefined
            ? {}
            : { kubeadmConfigPatches: ["kind: KubeletConfiguration\n", sanPatch(cluster)] }),
          nodes: [{ role: "worker" }, { ...(node === undefined ? {} : { kubeadmConfigPatches: [sanPatch(node)] }) }],
        };
        const rendered = render({ extraSans, apiServerAddress }, { user: configure(stringify(body)), accelerated });
        const address = apiServerAddress ?? "127.0.0.1";
        const loopback = address === "0.0.0.0" ? ["127.0.0.1"] : address === "::" ? ["::1"] : [];
        const wanted = new Set(["localhost", address, ...loopback, ...(cluster ?? []), ...(node ?? []), ...extraSans]);
        const made = only(effectiveSans(rendered));
        assert.deepEqual(made.toSorted(), [...wanted].toSorted());
      },
    ),
    { numRuns: 300 },
  );
});

test("extra-sans reach the certificate without a kind configuration too, on every control plane", () => {
  const rendered = render({ extraSans: ["docker.example"], controlPlanes: 2 });
  for (const sans of effectiveSans(rendered))
    assert.deepEqual(sans.toSorted(), ["127.0.0.1", "docker.example", "localhost"]);
});

test("nothing to add leaves kind's own names alone", () => {
  assert.deepEqual(render({}).kubeadmConfigPatches, []);
});

test("a patch that takes the names away does not take away extra-sans", () => {
  for (const names of [[], null]) {
    const user = configure(stringify({ nodes: [{ kubeadmConfigPatches: [sanPatch(names)] }] }));
    assert.ok(only(effectiveSans(render({ extraSans: ["docker.example"] }, { user }))).includes("docker.example"));
  }
});

test("names in a patch that is written as JSON, or with Windows' line ends, count too", () => {
  const json = JSON.stringify({ kind: "ClusterConfiguration", apiServer: { certSANs: ["json.example"] } });
  const windows = sanPatch(["windows.example"]).replaceAll("\n", "\r\n");
  const user = configure(stringify({ kubeadmConfigPatches: [json, windows] }));
  const sans = only(effectiveSans(render({ extraSans: ["x.example"], workers: 0 }, { user })));
  for (const name of ["json.example", "windows.example", "x.example", "localhost"])
    assert.ok(sans.includes(name), name);
});
