import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { loadFiles } from "../../../src/inputs/files.ts";
import { readYamlText } from "../../../src/values/yaml.ts";
import { YAML_LIMITS } from "../../../src/values/yaml-limits.ts";
import { createInputs, makeFolder, only } from "../builders.ts";

const ROOT = pathToFileURL(join(import.meta.dirname, "../../..")).href;

/** Runs a module of its own with little memory, and gives what it prints; one that needs more, or hangs, fails the test. */
function runBounded(code: string): string {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ["--max-old-space-size=256", "--input-type=module", "--eval", `${PRELUDE}\n${code}`],
    // In a terminal the test runner asks for colours, which would be in what it prints.
    { encoding: "utf8", timeout: 60_000, maxBuffer: 1024 * 1024, env: { ...process.env, FORCE_COLOR: "0" } },
  );
  assert.deepEqual([status, signal], [0, null], stderr.slice(-500));
  return stdout;
}

const PRELUDE = `
import { strToU8, zipSync } from "${ROOT}/node_modules/fflate/esm/index.mjs";
import { parseKindConfiguration } from "${ROOT}/src/cluster/config/read.ts";
import { checkPlans } from "${ROOT}/src/torch/checkout/bpmn-plans.ts";
import { readCsar } from "${ROOT}/src/torch/template/csar.ts";
import { pointCsar } from "${ROOT}/src/torch/template/point-at-cluster.ts";
const TEMPLATE = "topology_template:\\n  node_templates:\\n    c:\\n      type: torch.nodes.Location.Cluster\\n";
const ACCESS = { endpoint: "https://c:6443", ca: "ca.crt", certificate: "c", privateKey: "k", folder: "/creds" };
const HEADER = "kind: Cluster\\napiVersion: kind.x-k8s.io/v1alpha4\\n";
const zip = (files) => zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
const say = (read) => console.log("problem" in read ? read.problem.reason : "read");
const csar = (yaml) => say(readCsar("/ws/t.zip", zip({ "t.yaml": yaml })));
const kind = (yaml) => {
  const read = parseKindConfiguration(yaml, "inline");
  console.log("problems" in read ? read.problems[0].reason : "read");
};
const chain = (levels, inner) => Array.from({ length: levels }, (_, at) =>
  "a" + at + ": &a" + at + " " + "[".repeat(inner) + (at === 0 ? "x" : "*a" + (at - 1)) + "]".repeat(inner) + "\\n").join("");
`;

const DEEP = /^nests lists and mappings more than 64 levels deep \(line \d+\)/;
const CASES: readonly (readonly [string, string, RegExp])[] = [
  ["a CSAR of 4,000,000 lists", `csar("[".repeat(4_000_000))`, /is larger than 524288 bytes/],
  [
    "a CSAR of lists within the size",
    `csar("[".repeat(500_000))`,
    /has the file t\.yaml, which nests lists and mappings more/,
  ],
  [
    "a CSAR of mappings within the size",
    `csar("{".repeat(500_000))`,
    /nests lists and mappings more than 64 levels deep/,
  ],
  ["a CSAR of keys within keys", `csar("? ".repeat(250_000))`, /nests lists and mappings more than 64 levels deep/],
  [
    "a template in YAML, as deep",
    `say(readCsar("/ws/t.yaml", strToU8("{".repeat(500_000))))`,
    /more than 64 levels deep/,
  ],
  ["a CSAR of words", `csar("[" + "0,".repeat(250_000) + "]")`, /has more than 250000 tokens/],
  [
    "60 aliases of a large text",
    `csar(TEMPLATE + 'a: &a "' + "x".repeat(400_000) + '"\\nb: [' + "*a,".repeat(60) + "]\\n")`,
    /cannot be expanded: its aliases expand it to more than 1000000 characters/,
  ],
  [
    "60 aliases of many nodes",
    `csar(TEMPLATE + "a: &a [" + "x,".repeat(60_000) + "]\\nb: [" + "*a,".repeat(60) + "]\\n")`,
    /cannot be expanded: its aliases expand it to more than/,
  ],
  [
    "aliases that nest",
    `csar(TEMPLATE + chain(400, 60))`,
    /its aliases nest lists and mappings more than 64 levels deep/,
  ],
  ["an alias of what holds it", `csar(TEMPLATE + "a: &a [*a]\\n")`, /the anchor a contains an alias of itself/],
  ["a thousand aliases", `csar(TEMPLATE + "a: &a x\\nb:\\n" + "- *a\\n".repeat(1000))`, /has more than 500 aliases/],
  ["a kind configuration of mappings", `kind(HEADER + "x: " + "{".repeat(99_000))`, DEEP],
  ["a kind configuration of keys within keys", `kind(HEADER + "? ".repeat(45_000))`, DEEP],
  [
    "a kind configuration whose patches are aliases of one",
    `kind(HEADER + "x: &p |\\n" + "  a: b\\n".repeat(8_000) + "kubeadmConfigPatches: [" + "*p,".repeat(90) + "]\\n")`,
    /its aliases expand it to more than 1000000 characters/,
  ],
  [
    "a kind configuration with a deep patch",
    `kind(HEADER + "kubeadmConfigPatches:\\n- |\\n  " + "{".repeat(60_000) + "\\n")`,
    /kubeadmConfigPatches\.0 cannot be read: nests lists and mappings more than 64 levels deep/,
  ],
  [
    "plans that unpack to more than is read",
    `const zeros = "\\0".repeat(9_000_000);
     console.log(checkPlans("p.zip", zip({ "a.bpmn": zeros, "b.bpmn": zeros }))[0].reason);`,
    /its plans unpack to more than 16777216 bytes/,
  ],
  [
    "a CSAR of more entries than any",
    `say(readCsar("/ws/t.zip", zip(Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => ["f" + at, ""])))))`,
    /it has more than 10000 entries/,
  ],
  [
    "an entry of plans with a line break in its name",
    `console.log(checkPlans("p.zip", zip({ "a\\n::error::x.bpmn": "<x/>" }))[0].reason);`,
    /^contains a\\u\{a\}::error::x\.bpmn, which is not BPMN/,
  ],
  [
    "a node with a line break in its name",
    `csar(TEMPLATE + '    "a\\\\n::stop-commands::x": { type: t }\\n')`,
    /^has a node "a\\u\{a\}::stop-commands::x" in t\.yaml, which is not a name/,
  ],
];
for (const [what, code, reason] of CASES) {
  test(`${what}: refused with little memory`, () => {
    const said = runBounded(code).trim();
    assert.match(said, reason);
    assert.equal(said.split("\n").length, 1, "one line");
  });
}

test("a template at the limits is read and pointed with little memory", () => {
  const said = runBounded(`
    const aliases = Array.from({ length: 499 }, (_, at) => "- &b" + at + " { k: v }\\n- *b" + at + "\\n").join("");
    const read = readCsar("/ws/t.zip", zip({ "t.yaml": TEMPLATE + "more:\\n" + aliases + "- word\\n".repeat(55_000) }));
    if ("problem" in read) throw new Error(read.problem.reason);
    console.log(pointCsar(read.csar, [{ node: "c", cluster: "c" }], new Map([["c", ACCESS]])).bytes.length > 0);
  `);
  assert.equal(said.trim(), "true");
});

test("a catalog and a kind configuration that are far too large are not read", async (context) => {
  const workspace = await makeFolder(context);
  const [catalog, config] = [join(workspace, "catalog.json"), join(workspace, "kind.yaml")];
  await Promise.all([catalog, config].map((path) => writeFile(path, "")));
  await Promise.all([catalog, config].map((path) => truncate(path, 8 * 1024 ** 3)));
  const inputs = createInputs({ catalog, kindConfig: { kind: "file", path: config } });
  const { problems } = await loadFiles(inputs, { workspace, temp: workspace });
  assert.deepEqual(
    problems.map(({ input, reason }) => [input, reason]),
    [
      ["kind-config", "is larger than 100 kB"],
      ["catalog", "is larger than 524288 bytes"],
    ],
  );
});

test("what a person writes is read as the yaml package reads it", () => {
  const value = fc.jsonValue({ maxDepth: 6 });
  fc.assert(
    fc.property(value, fc.boolean(), (json, uniqueKeys) => {
      const text = stringify(json);
      const read = readYamlText(text, { uniqueKeys });
      assert.ok("value" in read, JSON.stringify(read));
      assert.deepEqual(read.value, parse(text));
    }),
  );
});

test("no text makes the reader throw, and its depth is never underestimated", () => {
  const signs = fc.constantFrom(
    "[",
    "]",
    "{",
    "}",
    "- ",
    "? ",
    ": ",
    "a",
    "\n",
    "  ",
    "&a ",
    "*a",
    "|\n",
    '"',
    "#",
    "!t ",
  );
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 400 }), (parts) => {
      const text = parts.join("");
      const read = readYamlText(text, { uniqueKeys: true });
      if ("value" in read) assert.ok(depthOf(read.value) <= YAML_LIMITS.depth);
      else
        assert.ok(
          read.issues.every(({ message }) => message !== "Maximum call stack size exceeded"),
          text,
        );
    }),
  );
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test("equal keys are found with their line, except merge keys", () => {
  const read = readYamlText("a: 1\nb: &b {x: 1}\nc: &c {y: 1}\nd:\n  <<: *b\n  <<: *c\n  e: 1\n  e: 2\n", {
    uniqueKeys: true,
  });
  assert.ok("issues" in read);
  const { message, line, column } = only(read.issues);
  assert.deepEqual([message, line, column], ["Map keys must be unique", 8, 3]);
});

test("a tab that Go's reader does not take is found with its place, and no other", () => {
  const read = (text: string) => {
    const result = readYamlText(text, { uniqueKeys: true, forGo: true });
    return "issues" in result ? only(result.issues) : undefined;
  };
  for (const [text, line, column] of [
    ["a: {}\n\t\nb: 1\n", 2, 1],
    ["{}\n\t", 2, 1],
    ["a: {}\n  \t\n", 2, 3],
    ["- x\n-\ta\n", 2, 2],
    ["?\ta\n: b\n", 1, 2],
    ["? a\n:\tb\n", 2, 2],
    ["\t# c\na: b\n", 1, 1],
    ["a: |\n  x\nb: {}\n\t\n", 4, 1],
    ["a:\n- \tb\n", 2, 3],
    ["a: |\n  \tb\n", 2, 3],
    ["a: >- # c\n\n  \tb\n", 3, 3],
    ["a: b\n \t# c\n", 2, 2],
  ] as const) {
    const { message, ...place } = read(text) ?? assert.fail(`${JSON.stringify(text)} is read`);
    assert.deepEqual(place, { kind: "characters", line, column }, text);
    assert.match(message, /has a tab/);
  }
  for (const text of [
    "a:\tb\n",
    "a: b\t\nc: d\t# x\n",
    "a: !!str\tb\n",
    "{a: b,\n\tc: d}\n",
    "a: 'x\n  \ty'\n",
    "a: |\n  x\n  \ty\n",
    "a:\t\n  - b\n",
    "- [\ta]\n",
  ]) {
    assert.equal(read(text), undefined, text);
  }
  assert.ok("value" in readYamlText("a: {}\n\t\n", { uniqueKeys: true }), "other readers take it");
});

test("tags, anchors and a : that Go reads as something else or refuses are found, in configurations and in patches", () => {
  for (const [text, column] of [
    ["{a: !!str, b: c}", 10],
    ["{a: !!str,b c}", 10],
    ["[!!str]", 7],
    ["{a: !}", 6],
    ["{a: !<tag:yaml.org,2002:str>}", 29],
    ["a: !!str#b c", 4],
    ["a: &a.b c", 4],
    ["a: !<> b", 4],
    ["{'a' !!str }", 6],
    ["{a:, b: c}", 4],
    ["[a :]", 5],
  ] as const) {
    for (const reader of [{ asWritten: true }, { forGo: true }]) {
      const read = readYamlText(text, { uniqueKeys: true, ...reader });
      assert.equal(only("issues" in read ? read.issues : []).column, column, text);
    }
  }
  for (const text of [
    "{a: !!str , b: !!str\n}",
    "a: !!str",
    "a: !!str\nb: ! c",
    "'a: !!str,': '!!str#b'",
    "[a:b, 'c':, &d e, *d , ! f]",
    "a: &b !!str c",
    "a: |\n  !!str,",
  ]) {
    assert.ok("value" in readYamlText(text, { uniqueKeys: true, asWritten: true, forGo: true }), text);
  }
});

test("a key that is no string in JSON, and a character that Go's reader does not take, are found for it alone", () => {
  for (const [text, kind, line, column] of [
    ["a: b\n? [c]\n: d\n", "key", 2, 3],
    ["a:\n  {e: f}: d\n", "key", 2, 3],
    ["~: d\n", "key", 1, 1],
    ["a: &x [b]\nc: {*x : d}\n", "key", 2, 5],
    [": d\n", "key", 1, 1],
    ["a: b # \u0007\n", "characters", 1, 8],
  ] as const) {
    const read = readYamlText(text, { uniqueKeys: false, forGo: true });
    const { message: _, ...place } = only("issues" in read ? read.issues : []);
    assert.deepEqual(place, { kind, line, column }, text);
    assert.ok("value" in readYamlText(text, { uniqueKeys: false }), text);
  }
  for (const [text, column, message] of [
    ["a: .inf", 4, /number that JSON/],
    ["a: [-.INF]", 5, /number that JSON/],
    ["a: !!int b", 10, /tag other than/],
    ["!!int a: b", 7, /tag other than/],
    ["18446744073709551615: a", 1, /key that is not a string/],
    ["a: &a.b c", 4, /anchor/],
    ["a: &é c", 4, /anchor/],
    ["a: {&x\n b: c}", 2, /on several lines/],
    ["a: [b? c]", 5, /a \? beside/],
    ['a: "\\ud83d\\ude00"', 4, /surrogate/],
    ['a: "\\\\\\/"', 4, /surrogate/],
    ['a: "\\ud800"', 4, /half a character/],
    ['{"a"\n: [b]}', 2, /its : on another/],
    ["{a\nb: c}", 2, /key on several lines/],
    [`${"a".repeat(1001)}: b`, 1, /more than 1000 characters/],
    ["a: [::1]", 5, /begins with :/],
    ['{"b"::c}', 6, /begins with :/],
    ["%YAML 1.2\n---\na: b", 1, /directive/],
    ["...", 1, /directive/],
  ] as const) {
    const read = readYamlText(text, { uniqueKeys: false, forGo: true });
    const issue = only("issues" in read ? read.issues : []);
    assert.match(issue.message, message, text);
    assert.equal(issue.column, column, text);
  }
  const plain =
    "a: 'x\\/y'\nb: \"\\\\/ \\\\ud83d\"\nc: !!str 1\nd: |\n  %YAML\n  ...\ne: &_x-1 [f::g, 'a': b]\n9007199254740993: a\n";
  assert.ok("value" in readYamlText(plain, { uniqueKeys: false, forGo: true }));
  assert.ok("value" in readYamlText("a: { # R &D\n  b: c, # d!\n  e: f}\n", { uniqueKeys: false, forGo: true }));
  const taken = "1: a\n1.5: a\ntrue: a\n2024-01-01: a\na: &x y\n*x : b\n'': c\n<<: {d: e}\n";
  assert.ok("value" in readYamlText(taken, { uniqueKeys: false, forGo: true }));
});
