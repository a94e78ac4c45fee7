import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { parse } from "yaml";
import { errorCode } from "../../../../src/errors.ts";
import { CREDENTIALS_MOUNT } from "../../../../src/inputs/torch.ts";
import { isLfsPointer } from "../../../../src/torch/template/archive.ts";
import { type Csar, maxCsarBytes, readCsar } from "../../../../src/torch/template/csar.ts";
import {
  type ClusterAccess,
  placeNodes,
  pointCsar as pointNodes,
} from "../../../../src/torch/template/point-at-cluster.ts";
import { makeFolder } from "../../builders.ts";

const TEMPLATE = `tosca_definitions_version: tosca_simple_yaml_1_3
# what the reader should know
topology_template:
  node_templates:
    bologna:
      type: torch.nodes.Location.Cluster
      properties:
        api-endpoint: "https://10.0.0.1:6443" # of last week
        ca: {crt: old.crt}
        user_crt: { get_input: certificate }
        private_key: old.key
        platform: kubernetes
    server:
      type: torch.nodes.ApplicationService
`;
const META = "TOSCA-Meta-File-Version: 1.1\nEntry-Definitions: definitions/main.yaml\n";
const FILES = { "TOSCA-Metadata/TOSCA.meta": META, "definitions/main.yaml": TEMPLATE, "files/a.bin": "\u0000\u0001" };

function pack(files: Readonly<Record<string, string>>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
}

function readable(files: Readonly<Record<string, string>> = FILES, path = "/ws/simple.zip"): Csar {
  const read = readCsar(path, pack(files));
  assert.ok("csar" in read, JSON.stringify(read));
  return read.csar;
}

function refusal(bytes: Uint8Array, path = "/ws/simple.zip"): string {
  const read = readCsar(path, bytes);
  assert.ok("problem" in read);
  assert.equal(read.problem.input, "torch-csar");
  return read.problem.reason;
}

/** A copy with one node pointed. */
const pointCsar = (csar: Csar, node: string, access: ClusterAccess) =>
  pointNodes(csar, [{ node, cluster: "c" }], new Map([["c", access]]));

const ACCESS: ClusterAccess = {
  endpoint: "https://bologna-control-plane:6443",
  ca: "ca.crt",
  certificate: "torch-signed.crt",
  privateKey: "torch.key",
  folder: CREDENTIALS_MOUNT,
};

test("an archive is read by its TOSCA.meta, or by the only YAML at its root", () => {
  const csar = readable();
  assert.deepEqual([csar.template, csar.entry], ["simple", "definitions/main.yaml"]);
  assert.deepEqual([csar.nodes, csar.clusters], [["bologna", "server"], ["bologna"]]);
  assert.equal(readable({ "main.yml": TEMPLATE, "types/t.yaml": "" }).entry, "main.yml");
});

test("what cannot be deployed is refused with its reason", () => {
  const without = (from: string, to: string) => pack({ ...FILES, "definitions/main.yaml": TEMPLATE.replace(from, to) });
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [strToU8("no zip"), /is not a zip archive/],
    [pack(FILES).subarray(0, 300), /is not a zip archive/],
    [zipSync({ "a.yaml": new Uint8Array(9 * 1024 * 1024) }), /unpacks to more than/],
    [pack({ "TOSCA-Metadata/TOSCA.meta": "x: y\n" }), /does not name Entry-Definitions/],
    [pack({ "TOSCA-Metadata/TOSCA.meta": META }), /has no definitions\/main.yaml/],
    [pack({ "a.txt": "" }), /no YAML file/],
    [pack({ "a.yaml": "", "b.yaml": "" }), /several YAML files/],
    [without("topology_template:", "topology_template: ["), /is not YAML/],
    [without("node_templates", "nodes"), /no topology_template.node_templates/],
    [without("\n      type: torch.nodes.ApplicationService", ""), /the node "server" without a type/],
    [
      without("Location.Cluster", "Location.Federation"),
      /does not have a node of type torch.nodes.Location.Cluster, or of a type derived/,
    ],
  ];
  for (const [bytes, reason] of cases) assert.match(refusal(bytes), reason);
});

test("the file's name must be a namespace that TORCH can create", () => {
  for (const name of ["Simple.zip", "a_b.zip", "-a.zip", `${"a".repeat(64)}.zip`, "default.zip", "kube-system.zip"]) {
    assert.match(refusal(pack(FILES), `/ws/${name}`), /cannot be the namespace/);
  }
  assert.equal(readable(FILES, "/ws/defaults.csar").template, "defaults");
});

test("the run's cluster is the only Cluster node, whatever its name, or of several the one with the cluster's name", () => {
  const csar = readable();
  assert.deepEqual(placeNodes(csar, ["other"]), [{ node: "bologna", cluster: "other" }]);
  const two = { clusters: ["a", "b"] };
  assert.deepEqual(placeNodes(two, ["b"]), [{ node: "b", cluster: "b" }]);
  assert.deepEqual(placeNodes(two, ["c"]), []);
});

test("of several clusters each is the node of its name, and the others stay without one", () => {
  const two = { clusters: ["bologna", "catania"] };
  const both = [
    { node: "bologna", cluster: "bologna" },
    { node: "catania", cluster: "catania" },
  ];
  assert.deepEqual(placeNodes(two, ["catania", "bologna"]), both);
  assert.deepEqual(placeNodes(two, ["catania", "palermo"]), both.slice(1));
  // With several clusters a single node stands for none but that of its name.
  assert.deepEqual(placeNodes({ clusters: ["bologna"] }, ["catania", "palermo"]), []);
});

test("federations are found by their type, also by one that is derived from it", () => {
  const yaml = TEMPLATE.replace(
    /^( +)bologna:\n/m,
    "$1liqo:\n$1  type: torch.nodes.Location.Federation\n$1own:\n$1  type: team.Federation\n$&",
  );
  const types = "node_types: { team.Federation: { derived_from: torch.nodes.Location.Federation } }";
  const csar = readable({ ...FILES, "definitions/main.yaml": yaml, "definitions/team.yaml": types });
  assert.deepEqual([csar.clusters, csar.federations], [["bologna"], ["liqo", "own"]]);
});

test("each node gets the endpoint and the files of its own cluster", () => {
  const yaml = TEMPLATE.replace(
    /^( +)bologna:\n/m,
    "$1catania:\n$1  type: torch.nodes.Location.Cluster\n$1  properties: { platform: kubernetes }\n$&",
  );
  const csar = readable({ ...FILES, "definitions/main.yaml": yaml });
  assert.deepEqual([csar.clusters, csar.unaddressed], [["catania", "bologna"], ["catania"]]);
  const catania = { ...ACCESS, endpoint: "https://catania-control-plane:6443", ca: "catania-ca.crt" };
  const access = new Map([
    ["bologna", ACCESS],
    ["catania", catania],
  ]);
  const { bytes } = pointNodes(csar, placeNodes(csar, ["bologna", "catania"]), access);
  const text = strFromU8(unzipSync(bytes)["definitions/main.yaml"] ?? new Uint8Array());
  const nodes = parse(text).topology_template.node_templates;
  const seen = [nodes.bologna, nodes.catania].map(({ properties }) => [properties["api-endpoint"], properties.ca.crt]);
  assert.deepEqual(seen, [
    [ACCESS.endpoint, ACCESS.ca],
    [catania.endpoint, catania.ca],
  ]);
});

test("the copy points to the run's cluster, and is otherwise like the archive", () => {
  const original = pack(FILES);
  const csar = readable();
  const { fileName, bytes } = pointCsar(csar, "bologna", ACCESS);
  assert.equal(fileName, "simple.zip");
  const files = unzipSync(bytes);
  const text = strFromU8(files["definitions/main.yaml"] ?? new Uint8Array());
  assert.deepEqual(parse(text).topology_template.node_templates.bologna.properties, {
    "api-endpoint": ACCESS.endpoint,
    ca: { crt: "ca.crt" },
    user_crt: "torch-signed.crt",
    private_key: "torch.key",
    platform: "kubernetes",
  });
  assert.match(text, /# what the reader should know/);
  assert.match(text, /# of last week/);
  assert.deepEqual(Object.keys(files), Object.keys(FILES));
  assert.equal(strFromU8(files["files/a.bin"] ?? new Uint8Array()), FILES["files/a.bin"]);
  assert.deepEqual(unzipSync(original)["definitions/main.yaml"], csar.files["definitions/main.yaml"]);
});

test("the connector's folder is written if the node names one already, or if it is not the connector's own", () => {
  const path = (text: string, folder: string) => {
    const csar = readable({ ...FILES, "definitions/main.yaml": text });
    const entry = unzipSync(pointCsar(csar, "bologna", { ...ACCESS, folder }).bytes)["definitions/main.yaml"];
    return parse(strFromU8(entry ?? new Uint8Array())).topology_template.node_templates.bologna.properties.path;
  };
  const telling = TEMPLATE.replace("platform: kubernetes", "platform: kubernetes\n        path: /old/");
  assert.equal(path(TEMPLATE, CREDENTIALS_MOUNT), undefined);
  assert.equal(path(TEMPLATE, "/creds"), "/creds/");
  assert.equal(path(telling, CREDENTIALS_MOUNT), `${CREDENTIALS_MOUNT}/`);
});

test("no bytes at all make the reader throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat({ max: 700 }), (noise, at) => {
      const bytes = Uint8Array.from(pack(FILES));
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
      readCsar("/ws/simple.zip", bytes);
      readCsar("/ws/simple.zip", noise);
      readCsar("/ws/simple.yaml", noise);
    }),
  );
});

/** The Cluster nodes of a template after one was pointed at a cluster. */
function pointed(yaml: string, node = "bologna") {
  const csar = readable({ "main.yaml": yaml });
  const archive = unzipSync(pointCsar(csar, node, ACCESS).bytes);
  return parse(strFromU8(archive["main.yaml"] ?? new Uint8Array()), { merge: true }).topology_template.node_templates;
}

test("a node is pointed to the cluster however its properties are written, and no other node is changed", () => {
  const node = "type: torch.nodes.Location.Cluster";
  const write = (...lines: readonly string[]) => `topology_template:\n  node_templates:\n    ${lines.join("\n    ")}\n`;
  const templates = {
    "no properties": write("bologna:", `  ${node}`),
    "empty properties": write("bologna:", `  ${node}`, "  properties:"),
    "properties in one line": write(`bologna: { ${node}, properties: { ca: { crt: a } } }`),
    "shared properties": write(
      "other:",
      `  ${node}`,
      "  properties: &p { api-endpoint: https://other, ca: { crt: other.crt } }",
      `bologna: { ${node}, properties: *p }`,
    ),
    "a shared node": write(`other: &n { ${node}, properties: { api-endpoint: https://other } }`, "bologna: *n"),
  };
  for (const [what, yaml] of Object.entries(templates)) {
    const { bologna, other } = pointed(yaml);
    assert.equal(bologna.properties["api-endpoint"], ACCESS.endpoint, what);
    assert.equal(bologna.properties.ca.crt, ACCESS.ca, what);
    if (other !== undefined) assert.equal(other.properties["api-endpoint"], "https://other", what);
  }
});

test("the entry is found however TOSCA.meta writes its name", () => {
  for (const name of [
    "definitions/main.yaml",
    "./definitions/main.yaml",
    '"definitions/main.yaml"',
    "definitions\\main.yaml",
  ]) {
    const meta = `Entry-Definitions: ${name}\r\n`;
    assert.equal(readable({ ...FILES, "TOSCA-Metadata/TOSCA.meta": meta }).entry, "definitions/main.yaml", name);
  }
});

test("a file of TOSCA YAML is a template too, and keeps its extension", () => {
  for (const path of ["/ws/simple.yaml", "/ws/simple.yml", "/ws/simple.YAML"]) {
    const read = readCsar(path, strToU8(TEMPLATE));
    assert.ok("csar" in read, JSON.stringify(read));
    const { kind, template, nodes, clusters } = read.csar;
    assert.deepEqual([kind, template, nodes, clusters], ["yaml", "simple", ["bologna", "server"], ["bologna"]]);
    const { fileName, bytes } = pointCsar(read.csar, "bologna", ACCESS);
    assert.equal(fileName, "simple.yaml");
    const text = strFromU8(bytes);
    assert.equal(parse(text).topology_template.node_templates.bologna.properties["api-endpoint"], ACCESS.endpoint);
    assert.match(text, /# what the reader should know/);
  }
  assert.match(refusal(pack(FILES), "/ws/simple.yaml"), /simple\.yaml that is not YAML|no topology_template/);
  assert.match(refusal(strToU8(TEMPLATE), "/ws/simple.zip"), /is not a zip archive/);
  assert.match(refusal(strToU8(TEMPLATE), "/ws/default.yaml"), /cannot be the namespace/);
});

test("a node is a cluster by its type, or by one that it is derived from in any file of the archive", () => {
  const template = (...types: readonly string[]) =>
    `topology_template:\n  node_templates:\n${types.map((type, at) => `    n${at}: {type: ${type}}\n`).join("")}`;
  const types = (pairs: Readonly<Record<string, string>>) =>
    `node_types:\n${Object.entries(pairs)
      .map(([name, from]) => `  ${name}: {derived_from: ${from}}\n`)
      .join("")}`;
  const root = "torch.nodes.Location.Cluster";
  const archive = {
    "TOSCA-Metadata/TOSCA.meta": META,
    "definitions/main.yaml": `${template(root, "a.Near", "a.Far", "a.Other", "a.Circle", "a.Self", "a.Unknown", "a.Lost")}${types(
      { "a.Near": root },
    )}`,
    "types/far.yml": types({ "a.Far": "a.Middle", "a.Circle": "a.Back", "a.Self": "a.Self" }),
    "types/middle.yaml": types({ "a.Middle": "a.Near", "a.Back": "a.Circle", "a.Other": "tosca.nodes.Root" }),
    "types/lost.txt": types({ "a.Lost": root }),
    "types/broken.yaml": "node_types: [",
    "types/list.yaml": "node_types: [a]",
    "types/null.yaml": "node_types: {a.Unknown: }",
  };
  assert.deepEqual(readable(archive).clusters, ["n0", "n1", "n2"]);
  const circle = { ...archive, "definitions/main.yaml": template("a.Circle", "a.Self") };
  assert.match(refusal(pack(circle)), /or of a type derived from it/);
});

test("a Git LFS pointer is refused, and a file that only mentions Git LFS is not", () => {
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  for (const path of ["/ws/simple.zip", "/ws/simple.csar", "/ws/simple.yaml"]) {
    assert.match(refusal(strToU8(pointer), path), /is a Git LFS pointer/);
  }
  const cases: readonly (readonly [string, boolean])[] = [
    [pointer, true],
    ["", false],
    [`# ${pointer}`, false],
    [pointer + "x".repeat(1024), false],
  ];
  for (const [text, expected] of cases) assert.equal(isLfsPointer(strToU8(text)), expected, text.slice(0, 60));
});

test("the limit of a CSAR is what a shell really accepts, whatever the template's name", async (context) => {
  const folder = await makeFolder(context);
  await mkdir(join(folder, "json4tosca-parser"));
  await writeFile(
    join(folder, "json4tosca-parser/tosca_parser.py"),
    "import sys\nprint(len(sys.argv[2].split('=', 1)[1]))\n",
  );
  const call = (template: string, bytes: number) => {
    const base64 = Buffer.alloc(bytes).toString("base64");
    const parser = "python3 ./json4tosca-parser/tosca_parser.py";
    const command = `exec ${parser} --template-name=${template} --template-file=${base64}`;
    const { stdout, error } = spawnSync("sh", ["-c", command], { cwd: folder, encoding: "utf8" });
    return error === undefined ? stdout.trim() : errorCode(error);
  };
  for (const template of ["a", "ab", "abc", "abcd", "simple-server-and-georef", "a".repeat(63)]) {
    const limit = maxCsarBytes(template);
    assert.equal(call(template, limit), String((limit / 3) * 4), template);
    assert.equal(call(template, limit + 1), "E2BIG", template);
  }
});

/** YAML that is refused, and must not hold up the run until then. */
const COSTLY: Readonly<Record<string, readonly [string, RegExp]>> = {
  "over 512 KiB": [`${TEMPLATE}# ${"x".repeat(512 * 1024)}`, /is larger than 524288 bytes/],
  "of many keys": [Array.from({ length: 20_000 }, (_, at) => `k${at}: v\n`).join(""), /no topology_template/],
  "of deep lists": ["[".repeat(20_000), /nests lists and mappings more than 64 levels deep/],
  "of keys that are mappings": ["? ".repeat(350), /has the file main\.yaml, which nests|no topology_template/],
  "of aliases of aliases": [
    `a0: &a0 x\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(10)}]\n`).join("")}`,
    /cannot be expanded/,
  ],
};
for (const [what, [yaml, reason]] of Object.entries(COSTLY)) {
  test(`YAML ${what} is refused quickly`, () => {
    const begin = process.cpuUsage();
    assert.match(refusal(pack({ "main.yaml": yaml })), reason);
    // The processor's time, not the clock's: other tests may have the machine. What is not refused takes minutes.
    const seconds = process.cpuUsage(begin).user / 1e6;
    assert.ok(seconds < 10, `it took ${seconds.toFixed(1)} s of processor time`);
  });
}

test("a plain file over 512 KiB is refused too, and a small template beside a large file is not", () => {
  const large = `# ${"x".repeat(512 * 1024)}\n`;
  assert.match(refusal(strToU8(`${TEMPLATE}${large}`), "/ws/simple.yaml"), /is larger than 524288 bytes/);
  assert.deepEqual(readable({ ...FILES, "types/large.yaml": large }).clusters, ["bologna"]);
});
