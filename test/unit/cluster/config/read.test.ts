import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { parseKindConfiguration } from "../../../../src/cluster/config/read.ts";
import { renderKindConfiguration } from "../../../../src/cluster/config/render.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { clusterName } from "../../../../src/values/names.ts";
import { ADDITIONS, configure, createInputs, HEADER, misconfigure, only, VERSIONS } from "../../builders.ts";
import { type Rendered, render } from "./rendering.ts";

test("a configuration is read with what the plan needs of it", () => {
  const user = configure(
    "name: mine\nnetworking: {podSubnet: 10.9.0.0/16}\nnodes:\n- role: control-plane\n- role: worker\n",
  );
  assert.equal(user.name, "mine");
  assert.equal(user.nodes.length, 2);
  assert.equal(user.networking.podSubnet, "10.9.0.0/16");
});

test("empty lists and mappings count as left out", () => {
  for (const body of ["nodes:\n", "nodes: null\n", "nodes: []\n", "networking:\n", "networking: {}\n", ""]) {
    const user = configure(body);
    assert.deepEqual([user.nodes, user.networking], [[], {}], body);
    assert.deepEqual(
      planShape(createInputs(), user).nodes.map((node) => node.name),
      ["bologna-control-plane", "bologna-worker"],
    );
  }
});

test("an empty name or image counts as left out, as in kind", () => {
  for (const empty of ["''", '""', "", "~", "!!str"]) {
    const user = configure(`name: ${empty}\nnodes:\n- role: control-plane\n  image: ${empty}\n`);
    const shape = planShape(createInputs({ clusterName: "mine", nodeImage: "a:1" }), user);
    assert.deepEqual([user.name, shape.name, shape.problems], [undefined, "mine", []], empty);
    assert.equal(planShape(createInputs(), user).name, "bologna");
    assert.equal(only(render({}, { user }).nodes).image, VERSIONS.nodeImage);
  }
});

test("Windows line endings and a byte order mark change nothing", () => {
  const text = `\uFEFF${HEADER}name: mine\nnodes:\n- role: worker\n- {}\n`.replaceAll("\n", "\r\n");
  const read = parseKindConfiguration(text, "inline");
  assert.ok("configuration" in read);
  assert.deepEqual([read.configuration.name, read.configuration.nodes.length], ["mine", 2]);
});

test("a carriage return alone ends a line, as in kind", () => {
  const read = parseKindConfiguration(
    `${HEADER}name: mine\nnodes:\n- role: worker\n- {}\n`.replaceAll("\n", "\r"),
    "inline",
  );
  assert.ok("configuration" in read);
  assert.deepEqual([read.configuration.name, read.configuration.nodes.length], ["mine", 2]);
  const wrong = parseKindConfiguration(`${HEADER}nodes:\n- role: none\n`.replaceAll("\n", "\r"), "inline");
  assert.ok("problems" in wrong);
  assert.match(wrong.problems[0]?.reason ?? "", /^line 4, column 9: nodes\.0\.role .*: none$/);
});

test("text that is not YAML is refused with line and column", () => {
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

test("a value of the wrong form is refused with its position", () => {
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

test("a name in the configuration follows the same rule as cluster-name", () => {
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

test("no readable configuration has a name that leads out of a folder", () => {
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

test("a document that is not a kind configuration is refused", () => {
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

test("a __proto__ key in the document adds no fields to it", () => {
  assert.ok("problems" in parseKindConfiguration(`__proto__: {${HEADER.trim().replace("\n", ", ")}}\n`, "inline"));
  assert.match(only(misconfigure("__proto__: {name: stolen}\n")).reason, /__proto__ is not a field/);
});

test("an error that kind would report only when it runs is refused up front with its position", () => {
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

test("all problems of a configuration are reported together", () => {
  const problems = misconfigure("name: A\nnodes:\n- role: a\n- role: b\nkubeadmConfigPatches: 1\n");
  assert.equal(problems.length, 4);
});

test("anchors, aliases and merge keys are read as kind reads them", () => {
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

test("an alias without an anchor, and one that contains itself, are refused", () => {
  assert.ok(misconfigure("name: *nobody\n").length > 0);
  assert.ok(misconfigure("nodes: &all\n- role: control-plane\n  extraMounts: *all\n").length > 0);
  assert.ok(misconfigure("x: &x {y: *x}\n").length > 0);
});

test("a text that is far larger or far deeper than any configuration is refused", () => {
  assert.ok(misconfigure(`# ${"x".repeat(1_000_001)}\n`).length > 0);
  assert.ok(misconfigure(`x: ${"[".repeat(5000)}${"]".repeat(5000)}\n`).length > 0);
});

test("a report stays readable however many errors a text has", () => {
  assert.ok(misconfigure("}\n".repeat(2000)).length <= 20);
});

test("the problems beyond the listed ones are counted", () => {
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

test("a patch with broken YAML is refused with its place", () => {
  const broken = "kind: ClusterConfiguration\n  apiServer: {";
  const reasons = (body: unknown) =>
    misconfigure(stringify(body))
      .map((problem) => problem.reason)
      .join("\n");
  assert.match(reasons({ kubeadmConfigPatches: ["kind: KubeletConfiguration\n", broken] }), /kubeadmConfigPatches\.1/);
  assert.match(reasons({ nodes: [{ kubeadmConfigPatches: [broken] }] }), /nodes\.0\.kubeadmConfigPatches\.0/);
});

test("a value that is not a boolean never silently counts as false", () => {
  const read = parseKindConfiguration(`${HEADER}networking: {disableDefaultCNI: yes}\n`, "inline");
  if ("configuration" in read) assert.equal(planShape(createInputs(), read.configuration).defaultCni, false);
});

test("a mount or a port that is not a mapping is refused", () => {
  for (const item of ["null", "hello", "[]"]) {
    for (const field of ["extraMounts", "extraPortMappings"]) {
      const problem = only(misconfigure(`nodes:\n- ${field}:\n  - ${item}\n`));
      assert.match(problem.reason, new RegExp(`nodes\\.0\\.${field}\\.0 is not a mapping`));
    }
  }
});

test("no text makes the reader throw, and every accepted text can be rendered", () => {
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
        const rendered: Rendered = JSON.parse(renderKindConfiguration(shape, VERSIONS, read.configuration, ADDITIONS));
        assert.ok(rendered.nodes.every((node) => node.extraMounts.some((mount) => mount.hostPath === "/run/owner")));
      },
    ),
    { numRuns: 500 },
  );
});
