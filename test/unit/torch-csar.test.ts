import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { parse } from "yaml";
import { CREDENTIALS_MOUNT } from "../../src/inputs/torch.ts";
import { type Csar, chooseCluster, pointCsar, readCsar } from "../../src/torch/csar.ts";

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

const ACCESS = {
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
    [strToU8("no zip"), /is no zip archive/],
    [pack(FILES).subarray(0, 300), /is no zip archive/],
    [zipSync({ "a.yaml": [new Uint8Array(200_000).map(() => Math.random() * 256), { level: 0 }] }), /is too large/],
    [zipSync({ "a.yaml": new Uint8Array(9 * 1024 * 1024) }), /unpacks to more than/],
    [pack({ "TOSCA-Metadata/TOSCA.meta": "x: y\n" }), /names no Entry-Definitions/],
    [pack({ "TOSCA-Metadata/TOSCA.meta": META }), /has no definitions\/main.yaml/],
    [pack({ "a.txt": "" }), /no YAML file/],
    [pack({ "a.yaml": "", "b.yaml": "" }), /several YAML files/],
    [without("topology_template:", "topology_template: ["), /is not YAML/],
    [without("node_templates", "nodes"), /no topology_template.node_templates/],
    [without("\n      type: torch.nodes.ApplicationService", ""), /a node server without a type/],
    [without("Location.Cluster", "Location.Federation"), /no node of type torch.nodes.Location.Cluster/],
  ];
  for (const [bytes, reason] of cases) assert.match(refusal(bytes), reason);
});

test("the file's name must be a namespace that TORCH may make", () => {
  for (const name of ["Simple.zip", "a_b.zip", "-a.zip", `${"a".repeat(64)}.zip`, "default.zip", "kube-system.zip"]) {
    assert.match(refusal(pack(FILES), `/ws/${name}`), /cannot be the namespace/);
  }
  assert.equal(readable(FILES, "/ws/defaults.csar").template, "defaults");
});

test("the only Cluster node is the run's, whatever its name; of several, the one named as the cluster", () => {
  const csar = readable();
  assert.equal(chooseCluster(csar, "other"), "bologna");
  assert.equal(chooseCluster({ ...csar, clusters: ["a", "b"] }, "b"), "b");
  assert.equal(chooseCluster({ ...csar, clusters: ["a", "b"] }, "c"), undefined);
});

test("the copy points at the run's cluster, and is otherwise what the archive was", () => {
  const original = pack(FILES);
  const csar = readable();
  const files = unzipSync(pointCsar(csar, "bologna", ACCESS));
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

test("the connector's folder is told where the node tells one, or where it is not the connector's own", () => {
  const path = (text: string, folder: string) => {
    const csar = readable({ ...FILES, "definitions/main.yaml": text });
    const entry = unzipSync(pointCsar(csar, "bologna", { ...ACCESS, folder }))["definitions/main.yaml"];
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
    }),
  );
});

/** The Cluster nodes of a template after one was pointed at a cluster. */
function pointed(yaml: string, node = "bologna") {
  const csar = readable({ "main.yaml": yaml });
  const archive = unzipSync(pointCsar(csar, node, ACCESS));
  return parse(strFromU8(archive["main.yaml"] ?? new Uint8Array()), { merge: true }).topology_template.node_templates;
}

test("a node is pointed at the cluster however its properties are written, and no other with it", () => {
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
