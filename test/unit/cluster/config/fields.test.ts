import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import type { parse } from "yaml";
import { parseKindConfiguration } from "../../../../src/cluster/config/read.ts";
import { renderKindConfiguration } from "../../../../src/cluster/config/render.ts";
import { planShape } from "../../../../src/cluster/config/shape.ts";
import { loadFiles } from "../../../../src/inputs/files.ts";
import {
  ADDITIONS,
  configure,
  createInputs,
  HEADER,
  makeFolder,
  misconfigure,
  only,
  VERSIONS,
} from "../../builders.ts";

/** What kind gets for a configuration. */
function render(body: string): ReturnType<typeof parse> {
  const user = configure(body);
  return JSON.parse(renderKindConfiguration(planShape(createInputs(), user), VERSIONS, user, ADDITIONS));
}

function labels(value: string): string {
  return `nodes:\n- role: control-plane\n  labels:\n    k8s: ${value}\n`;
}

// As it was written

test("kind gets a label's characters as they were written", () => {
  const texts = ["1.30", "007", "12345678901234567890", "yes", "on", "true", "0x1F", "0o17", "1e3", "1_000"];
  for (const text of [...texts, "2026-01-01", "0.10", "1.0", "NaN"]) {
    assert.equal(render(labels(text)).nodes[0].labels.k8s, text);
    assert.equal(render(`runtimeConfig: {a/b: ${text}}\n`).runtimeConfig["a/b"], text);
    assert.equal(render(`nodes:\n- labels:\n    ${text}: a\n`).nodes[0].labels[text], "a");
  }
  for (const text of ["", "~", "null", "''"]) assert.equal(render(labels(text)).nodes[0].labels.k8s, "", text);
  assert.equal(render(labels("'1.30'")).nodes[0].labels.k8s, "1.30");
  assert.equal(render(labels("!!str 1.30")).nodes[0].labels.k8s, "1.30");
});

test("kind gets every plain scalar of a label unchanged", () => {
  const text = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?$/);
  fc.assert(
    fc.property(text, (value) => {
      const expected = /^(?:null|Null|NULL)$/.test(value) ? "" : value;
      assert.equal(render(labels(value)).nodes[0].labels.k8s, expected);
    }),
  );
});

test("kind gets texts elsewhere as they were written", () => {
  const body = "name: 007\nnetworking: {dnsSearch: [1.30]}\ncontainerdConfigPatches: [1.10]\n";
  const rendered = render(body);
  assert.equal(rendered.name, "007");
  assert.deepEqual(rendered.networking.dnsSearch, ["1.30"]);
  assert.deepEqual(rendered.containerdConfigPatches, ["1.10"]);
  const patch = "kind: KubeletConfiguration\nmaxPods: 0110\nx: 1.30\n";
  assert.deepEqual(
    render(`kubeadmConfigPatches:\n- |\n  ${patch.trim().replaceAll("\n", "\n  ")}\n`).kubeadmConfigPatches,
    [patch],
  );
});

test("booleans and numbers are what Go's YAML reader makes of them", () => {
  const gates = render("featureGates: {A: yes, B: Off, C: 'on', D: TRUE, E: }\n").featureGates;
  assert.deepEqual(gates, { A: true, B: false, C: true, D: true, E: false });
  const port = (text: string) =>
    render(`nodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: ${text}}\n`).nodes[0].extraPortMappings[0]
      .hostPort;
  for (const [text, value] of [
    ["18080", 18080],
    ["0x1F90", 8080],
    ["+0x50", 80],
    ["+0b11", 3],
    ["!!int 0x1F90", 8080],
    ["017", 15],
    ["0o17", 15],
    ["1_000", 1000],
    ["8080.0", 8080],
    ["-1", -1],
    ["0", 0],
    ["!!int '80'", 80],
  ] as const) {
    assert.equal(port(text), value, text);
  }
});

test("what Go's YAML reader takes for no number or boolean is refused", () => {
  const reasons = (body: string) => misconfigure(body).map(({ reason }) => reason);
  for (const text of ["_", "_80", "!!int 80.0", "!!int 1e1", "!!int 0800", "!!int _80", ".", "+"]) {
    const [reason = ""] = reasons(`nodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: ${text}}\n`);
    assert.match(reason, /hostPort is not a whole number/, text);
  }
  for (const text of ["!!bool yes", "!!bool on", "!!bool 'yes'"]) {
    assert.match(reasons(`networking: {disableDefaultCNI: ${text}}\n`)[0] ?? "", /is not a boolean/, text);
  }
});

test("a text that is half a character is refused with its place", () => {
  for (const body of ['runtimeConfig: {a: "\\ud800"}\n', 'runtimeConfig: {"\\udc00": x}\n']) {
    assert.match(only(misconfigure(body)).reason, /^is not YAML: line 3, column \d+: half a character/, body);
  }
  assert.equal(render('runtimeConfig: {a: "\\ud83d\\ude00"}\n').runtimeConfig.a, "\u{1f600}");
});

test("a mapping merges once", () => {
  const body = "runtimeConfig:\n  <<: {a: x}\n  <<: {b: y}\n";
  assert.match(only(misconfigure(body)).reason, /line 5, column 3: Map keys must be unique/);
});

test("a key has no tag but a text's", () => {
  assert.deepEqual(render("runtimeConfig: {!!str a: x, ! b: y}\n").runtimeConfig, { a: "x", b: "y" });
  for (const key of ["!!int a", "!!int 1", "!!null a", "!custom a", "!!binary YQ=="]) {
    assert.match(only(misconfigure(`runtimeConfig: {${key}: x}\n`)).reason, /^line 3, .* unsupported tag/, key);
    assert.match(only(misconfigure(`nodes:\n- {${key}: x}\n`)).reason, /^line 4, .* unsupported tag/, key);
  }
});

test("only what YAML takes for a merge key merges", () => {
  const merging = (key: string) => `runtimeConfig:\n  <<: {a: x}\n`.replace("<<", key);
  for (const key of ["<<", "! <<", "!!merge <<"]) assert.deepEqual(render(merging(key)).runtimeConfig, { a: "x" }, key);
  assert.match(only(misconfigure(merging("!!str <<"))).reason, /is a list or a mapping/);
});

test("characters that YAML forbids reach kind as escapes, and are refused unescaped", () => {
  const user = configure('runtimeConfig: {a: "\\u00a0\\ufeffb"}\n');
  const shape = planShape(createInputs(), user);
  const text = renderKindConfiguration(shape, VERSIONS, user, ADDITIONS);
  assert.match(text, /\\ufeffb/);
  assert.match(only(misconfigure("name: a\u0001\n")).reason, /u\{1\}.*line 3, column 8/);
});

test("none of the user's texts reaches kind with a character that YAML forbids or reads as a line break", () => {
  const sign = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\u2028", "\u2029", "\u0085", "\ufeff", "\x7f"));
  const texts = fc.array(
    fc.array(sign).map((parts) => parts.join("")),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(texts, (containerdConfigPatches) => {
      const written = escapeAll(JSON.stringify(containerdConfigPatches));
      const user = configure(`containerdConfigPatches: ${written}\n`);
      const shape = planShape(createInputs(), user);
      const text = renderKindConfiguration(shape, VERSIONS, user, ADDITIONS);
      assert.doesNotMatch(text, /[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u);
      assert.deepEqual(JSON.parse(text).containerdConfigPatches, containerdConfigPatches);
    }),
  );
});

/** A JSON text with every character outside of ASCII escaped. */
function escapeAll(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// YAML

test("one document is read with everything that kind accepts around it", () => {
  const texts = [
    `${HEADER}---\n`,
    `---\n${HEADER}`,
    `---\n${HEADER}---\n`,
    `# a\n---\n${HEADER}...\n`,
    `${HEADER}--- # end\n`,
  ];
  for (const text of [...texts, `\ufeff${HEADER}`, `%YAML 1.1\n---\n${HEADER}`, `${HEADER}---\n# no more\n---\n`]) {
    assert.ok("configuration" in parseKindConfiguration(text, "inline"), JSON.stringify(text));
  }
});

test("two documents are refused with the line of the second", () => {
  const read = parseKindConfiguration(`${HEADER}---\n# the other\n${HEADER}`, "kind.yaml");
  assert.ok("problems" in read);
  assert.equal(only(read.problems).reason, "has a second YAML document (line 5, column 1)");
});

test("an alias without an anchor is reported as one, with its position", () => {
  const problem = only(misconfigure("name: *nobody\n"));
  assert.match(problem.reason, /has the alias \*nobody without an anchor &nobody before it \(line 3, column 7\)/);
  assert.doesNotMatch(problem.fix, /100/);
});

test("a tag, an anchor or a : that kind would read as something else is reported with its own fix", () => {
  for (const [text, reason, fix] of [
    ["runtimeConfig: {a: !!str, b: c}", "has a tag that is not followed by a space or a line break", /space after it/],
    ["runtimeConfig: {a:, b: c}", "has a : in [] or {} that is not followed by a space", /space after it/],
    ["runtimeConfig: {a: !!str#b }", "has a tag that is empty or contains #", /another name/],
    ["nodes: &my.nodes", "has an anchor whose name has characters other than letters, digits, _ and -", /another name/],
    [`runtimeConfig: {${"x".repeat(1001)}: "true"}`, "has a key of more than 1000 characters", /at most 1,000/],
    ["runtimeConfig: {'a' !!str }", "has a tag or an anchor after its value", /remove it/],
  ] as const) {
    const problem = only(misconfigure(`${text}\n`));
    assert.ok(problem.reason.startsWith(`${reason} (line 3, column `), problem.reason);
    assert.match(problem.fix, fix);
  }
});

test("a file of UTF-16 is read, and one of another encoding is refused", async (context) => {
  const workspace = await makeFolder(context);
  const path = join(workspace, "kind.yaml");
  const load = async (bytes: Buffer) => {
    await writeFile(path, bytes);
    return await loadFiles(createInputs({ kindConfig: { kind: "file", path } }), { workspace, temp: workspace });
  };
  const wide = await load(Buffer.from(`\ufeff${HEADER}name: mine\n`, "utf16le"));
  assert.deepEqual([wide.problems, wide.configuration?.name], [[], "mine"]);
  const latin = await load(Buffer.from(`${HEADER}# caf\u00e9\n`, "latin1"));
  assert.match(only(latin.problems).reason, /is not UTF-8/);
});

test("a template's braces cause no warning from Node.js", () => {
  const module = pathToFileURL(join(import.meta.dirname, "../../../../src/cluster/config/read.ts")).href;
  const code = `import { parseKindConfiguration } from ${JSON.stringify(module)};
    console.log(parseKindConfiguration(${JSON.stringify(`${HEADER}nodes:\n- role: {{ x }}\n`)}, "a").problems[0].reason);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" });
  assert.match(stdout, /line 4, column 9: nodes\.0\.role .*\{\{ x \}\}/);
  assert.equal(stderr, "");
});

test("names that kind allows are accepted, unless a node cannot be named after them", () => {
  for (const name of ["ci-1.28", "a", "5", "1.30", "a.b-c", "ci-"])
    assert.equal(configure(`name: ${name}\n`).name, name);
  for (const name of [".a", "a.", "a..b", "a-.b", "a.-b", "-a", "A", "a_b"]) {
    assert.match(only(misconfigure(`name: ${name}\n`)).reason, /line 3, column 7: name cannot be/, name);
  }
});

// Types and values

test("a value of the wrong type or out of range is refused with field, line and value", () => {
  const port = (field: string, value: string) =>
    `nodes:\n- extraPortMappings:\n  - {containerPort: 80, ${field}: ${value}}\n`;
  const net = (text: string) => `networking:\n  ${text}\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      port("hostPort", '"18080"'),
      /line 5, column \d+: nodes\.0\.extraPortMappings\.0\.hostPort is a string in quotes.*: "18080"/,
    ],
    [port("hostPort", "99999"), /hostPort is out of range: 99999/],
    [port("hostPort", "-2"), /hostPort is out of range: -2/],
    [port("hostPort", "1.5"), /hostPort is not a whole number: 1\.5/],
    [port("hostPort", "http"), /hostPort is not a whole number: http/],
    [port("protocol", "http"), /protocol is not one of the choices: http/],
    [port("listenAddress", "localhost"), /listenAddress is not an IP address: localhost/],
    ["nodes:\n- extraPortMappings:\n  - hostPort: 80\n", /extraPortMappings\.0 has no containerPort/],
    ["nodes:\n- extraPortMappings:\n  - containerPort: 0\n", /containerPort is out of range: 0/],
    [net('apiServerPort: "16443"'), /line 4, column 18: networking\.apiServerPort is a string in quotes.*: "16443"/],
    [net("disableDefaultCNI: 'true'"), /disableDefaultCNI is a string in quotes, not a boolean/],
    [net("disableDefaultCNI: 1"), /disableDefaultCNI is not a boolean: 1/],
    [net("dnsSearch: a.example"), /dnsSearch is not a list: a\.example/],
    [net("podSubnet: 10.0.0.0/33"), /podSubnet is not a subnet: 10\.0\.0\.0\/33/],
    [net("podSubnet: fd00::/56"), /podSubnet is not an IPv4 subnet: fd00::\/56/],
    [net("ipFamily: ipv6\n  serviceSubnet: 10.0.0.0/16"), /serviceSubnet is not an IPv6 subnet/],
    [net("podSubnet: '10.0.0.0/16,10.1.0.0/16'"), /podSubnet has too many subnets/],
    [net("ipFamily: dual\n  podSubnet: '10.0.0.0/16,10.1.0.0/16'"), /podSubnet has too many subnets/],
    [net("ipFamily: dual\n  podSubnet: '10.0.0.0/16, fd00::/56'"), /podSubnet is not a subnet/],
    ["featureGates: {A: 1}\n", /featureGates\.A is not a boolean: 1/],
    ["featureGates: [A]\n", /featureGates is not a mapping: \[A\]/],
    ["runtimeConfig: {a: [b]}\n", /runtimeConfig\.a is a list or a mapping/],
    ["runtimeConfig: {a: 'b\"c'}\n", /runtimeConfig\.a cannot be written into kubeadm's configuration/],
    [
      "nodes:\n- extraMounts:\n  - {hostPath: /tmp, containerPath: /a, readOnly: ja}\n",
      /readOnly is not a boolean: ja/,
    ],
    [
      "nodes:\n- extraMounts:\n  - {hostPath: /tmp, containerPath: /a, propagation: none}\n",
      /propagation is not one of/,
    ],
    ["containerdConfigPatches: a\n", /containerdConfigPatches is not a list: a/],
    ["kubeadmConfigPatchesJSON6902: [a]\n", /kubeadmConfigPatchesJSON6902\.0 is not a mapping/],
    ["kubeadmConfigPatches: ['']\nnodes:\n- <<: 5\n", /nodes\.0\.<< is not a mapping: 5/],
  ];
  for (const [body, reason] of cases) assert.match(only(misconfigure(body)).reason, reason, body);
});

test("subnets of the right family and protocols in any case are accepted", () => {
  for (const text of [
    "podSubnet: 10.1.2.3/16",
    "ipFamily: ipv6, podSubnet: 'fd00::/56'",
    "ipFamily: dual, podSubnet: 'fd00::/56,10.0.0.0/16'",
    "ipFamily: dual, podSubnet: 10.0.0.0/16",
  ]) {
    configure(`networking: {${text}}\n`);
  }
  const mapping = "nodes:\n- extraPortMappings:\n  - {containerPort: 80, protocol: udp}\n";
  assert.equal(render(mapping).nodes[0].extraPortMappings[0].protocol, "UDP");
});

test("a misspelled field is reported with the closest name", () => {
  const cases = [
    ["nodes:\n- extraPortMapping: []\n", "extraPortMappings"],
    ["nodes:\n- rolle: worker\n", "role"],
    ["network: {}\n", "networking"],
    ["networking: {apiserverport: 1}\n", "apiServerPort"],
  ];
  for (const [body = "", meant] of cases) {
    const problem = only(misconfigure(body));
    assert.match(problem.reason, new RegExp(`did you mean ${meant}\\?`));
    assert.equal(problem.fix, `write ${meant}`);
  }
});

// Labels

test("labels that the kubelet refuses are refused with field and rule", () => {
  const cases: readonly (readonly [string, RegExp, RegExp])[] = [
    [
      "node-role.kubernetes.io/worker: ''",
      /worker is a label that Kubernetes reserves/,
      /kubectl label node NAME node-role\.kubernetes\.io\/worker= after/,
    ],
    ["kubernetes.io/foo: a", /is a label that Kubernetes reserves/, /kubectl label node NAME kubernetes\.io\/foo=a/],
    ["a.k8s.io/b: c", /is a label that Kubernetes reserves/, /kubectl/],
    ["'a:b': c", /labels\.a:b is not a label key/, /example\.com/],
    ["a b: c", /labels\.a b is not a label key/, /example\.com/],
    ["'': c", /is not a label key/, /example\.com/],
    ["a/b/c: d", /is not a label key/, /example\.com/],
    ["Example.com/a: d", /is not a DNS name/, /example\.com/],
    [`a: ${"x".repeat(64)}`, /labels\.a is a label with an invalid value \(64 characters\)/, /shorter/],
    ["a: b c", /is a label with an invalid value/, /simpler/],
    ["a: 'b,c=d'", /is a label with an invalid value/, /simpler/],
  ];
  for (const [label, reason, fix] of cases) {
    const problem = only(misconfigure(`nodes:\n- labels:\n    ${label}\n`));
    assert.match(problem.reason, reason, label);
    assert.match(problem.reason, /^line 5, column \d+: nodes\.0\.labels/);
    assert.match(problem.fix, fix, label);
  }
});

test("labels that the kubelet accepts are accepted", () => {
  for (const label of [
    "ingress-ready: true",
    "topology.kubernetes.io/zone: a",
    "node.kubernetes.io/x: 1",
    "a.node.kubernetes.io/x: 1",
    "example.com/A_b.c: ''",
    `a: ${"x".repeat(63)}`,
    "kubernetes.io.example/a: b",
    "kubernetes: b",
  ]) {
    configure(`nodes:\n- labels:\n    ${label}\n`);
  }
});

test("a warning names a node without a role where it is a second control plane", () => {
  const warned = configure(
    "nodes:\n- role: control-plane\n- extraPortMappings:\n  - {containerPort: 80}\n- role: worker\n",
  );
  assert.match(only(warned.warnings), /^kind-config: line 5, column 3: nodes\.1 has no role.*hyphen/);
  for (const body of ["nodes:\n- {}\n- role: worker\n", "nodes:\n- role: control-plane\n- role: control-plane\n", ""]) {
    assert.deepEqual(configure(body).warnings, [], body);
  }
});
