import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseKindConfiguration } from "../../../src/cluster/config/read.ts";
import { planSigningRequest } from "../../../src/credentials/sign.ts";
import { describeProblem, InputError } from "../../../src/errors.ts";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { environmentOf, FOLDERS, HEADER, only } from "../builders.ts";

const read = (inputs: Readonly<Record<string, string>>) => readInputs(environmentOf(inputs), FOLDERS);

test("everything that is wrong is reported in one pass, with the input's name and value", () => {
  const bad = {
    "cluster-name": "Bologna!",
    "kubernetes-version": "1.28.x",
    "kind-version": "newest",
    "kubectl-version": "~1.28",
    "node-image": "kindest/node",
    "kind-config": "../kind.yaml",
    "control-planes": "0",
    workers: "-1",
    wait: "5 minutes",
    attempts: "6",
    existing: "delete",
    dns: "../resolv.conf",
    "api-server-address": "localhost",
    "extra-sans": "https://docker.example",
    "inotify-max-user-watches": "2147483648",
    "inotify-max-user-instances": "-0",
    user: "system:admin",
    groups: "system:masters",
    rbac: "admin",
    "rbac-manifests": "/etc/passwd",
    "cni-manifests": "../calico.yaml",
    "certificate-lifetime": "5m",
    "key-algorithm": "rsa-1024",
    "credentials-directory": "..",
    artifact: "yes",
    "artifact-name": "a/b",
    "artifact-retention-days": "0",
    "artifact-passphrase": "hunter2",
    cleanup: "no",
    logs: "sometimes",
    catalog: "/etc/catalog.json",
    "kind-mirror": "mirror.example",
    "kubectl-mirror": "ftp://mirror.example",
    "internet-probe": "example.org",
    registry: "on",
    "registry-port": "65536",
    "registry-mirrors": "https://mirror.example",
    "pull-credentials": "/etc/config.json",
  };
  const { problems } = read(bad);
  assert.deepEqual(problems.map((problem) => problem.input).toSorted(), Object.keys(bad).toSorted());
  for (const problem of problems) {
    assert.equal(problem.value, problem.input === "artifact-passphrase" ? "***" : Reflect.get(bad, problem.input));
    for (const part of [problem.reason, problem.allowed, problem.fix]) assert.notEqual(part, "");
  }
  const message = new InputError(problems).message;
  assert.equal(message.split("\n").length, problems.length);
  assert.ok(!message.includes("hunter2"), "a passphrase is never repeated");
});

test("a registry's port is refused without a registry", () => {
  assert.equal(only(read({ "registry-port": "5005" }).problems).input, "registry-port and registry");
  assert.equal(only(read({ "registry-port": "5005", registry: "on" }).problems).input, "registry");
  assert.equal(read({ "registry-port": "5005", registry: "true" }).inputs.registryPort, 5005);
});

test("a bad value leaves the others read, with its default in its place", () => {
  const { inputs, problems } = read({ workers: "x", attempts: "x", user: "alice", wait: "1m" });
  assert.equal(problems.length, 2);
  assert.equal(inputs.workers, undefined);
  assert.equal(inputs.attempts, 2);
  assert.equal(inputs.user, "alice");
  assert.equal(inputs.waitSeconds, 60);
});

test("an explicit value differs from an unset one where a kind configuration can set the same", () => {
  const unset = read({}).inputs;
  const said = read({
    "cluster-name": "bologna",
    workers: "0",
    "control-planes": "1",
    "api-server-address": "127.0.0.1",
  });
  assert.deepEqual(
    [unset.clusterName, unset.workers, unset.controlPlanes, unset.apiServerAddress, unset.dns],
    Array(5).fill(undefined),
  );
  assert.deepEqual([said.inputs.clusterName, said.inputs.workers, said.inputs.controlPlanes], ["bologna", 0, 1]);
});

test("spaces around a value are ignored, and a blank value is an unset one", () => {
  const { inputs, problems } = read({ workers: " 2\n", "cluster-name": " \t\r\n", user: "" });
  assert.deepEqual(problems, []);
  assert.deepEqual([inputs.workers, inputs.clusterName, inputs.user], [2, undefined, "torch"]);
});

test("a long value is cut in the report", () => {
  const problem = only(read({ "cluster-name": "x".repeat(5000) }).problems);
  assert.ok(describeProblem(problem).length < 600);
});

test("a value with line breaks and escape codes stays on one line of the report", () => {
  const { problems } = read({ "cluster-name": "a\n::error::b\u001b[31m" });
  assert.equal(new InputError(problems).message.split("\n").length, 1);
  assert.ok(!new InputError(problems).message.includes("\u001b"));
});

test("a kind configuration is distinguished from a path to one", () => {
  const inline = ["kind: Cluster", "kind:\tCluster", "a\nb", "{kind: Cluster}", "{}"];
  const files = ["kind.yaml", "a:b.yaml", "dir with space/kind.yaml", "a{b}.yaml", "/tmp/runner/kind.yaml"];
  for (const text of inline)
    assert.deepEqual(read({ "kind-config": text }).inputs.kindConfig, { kind: "inline", text });
  for (const text of files) assert.equal(read({ "kind-config": text }).inputs.kindConfig?.kind, "file", text);
});

test("an inline kind configuration that is indented as a whole is read as it was written", () => {
  const indented = HEADER.split("\n").map((line) => `    ${line}`);
  const { inputs } = read({ "kind-config": `\n${indented.join("\n")}\n` });
  assert.equal(inputs.kindConfig?.kind, "inline");
  const text = inputs.kindConfig?.kind === "inline" ? inputs.kindConfig.text : "";
  assert.ok("configuration" in parseKindConfiguration(text, "inline"), text);
});

test("dns is one of three words or a file in the workspace", () => {
  for (const kind of ["no-search-domains", "inherit", "docker-host"]) {
    assert.deepEqual(read({ dns: kind }).inputs.dns, { kind });
  }
  assert.deepEqual(read({ dns: "ci/resolv.conf" }).inputs.dns, { kind: "resolv-conf", path: "/ws/ci/resolv.conf" });
});

test("groups are lists of plain names, without the one that the API server refuses", () => {
  assert.deepEqual(read({ groups: "dev, ops\nsystem:authenticated" }).inputs.groups, [
    "dev",
    "ops",
    "system:authenticated",
  ]);
  const { inputs, problems } = read({ groups: "dev,system:masters" });
  assert.deepEqual(inputs.groups, ["dev"]);
  assert.match(only(problems).fix, /cluster-admin/);
  for (const groups of ["a b", "ä", "x".repeat(65), "a\u0007"])
    assert.equal(read({ groups }).problems.length, 1, groups);
});

test("an accepted lifetime is in whole seconds in the signing request, as the API requires", () => {
  for (const lifetime of ["10m", "1.1h", "10m0.5s", "16.1h", "600.4s", "8760h"]) {
    const { inputs, problems } = read({ "certificate-lifetime": lifetime });
    if (problems.length > 0) continue;
    const request = planSigningRequest("torch", "csr", inputs.certificateLifetimeSeconds, "x");
    assert.ok(Number.isInteger(request.spec.expirationSeconds), lifetime);
    assert.ok(request.spec.expirationSeconds >= 600, lifetime);
  }
});

test("an encrypted key in an artifact that is switched off is a contradiction that names both", () => {
  const problem = only(read({ artifact: "false", "artifact-passphrase": "correct horse" }).problems);
  assert.equal(problem.input, "artifact-passphrase and artifact");
  assert.ok(!JSON.stringify(problem).includes("correct horse"));
});

test("a probe is a name and an address with a port", () => {
  const good: readonly (readonly [string, object])[] = [
    ["example.org 192.0.2.1:443", { name: "example.org", address: "192.0.2.1", port: 443 }],
    ["example.org, 192.0.2.1:1", { name: "example.org", address: "192.0.2.1", port: 1 }],
  ];
  for (const [text, probe] of good) assert.deepEqual(read({ "internet-probe": text }).inputs.internetProbe, probe);
  const bad = [
    "example.org",
    "192.0.2.1:53",
    "example.org 192.0.2.256:53",
    "example.org 192.0.2.1:0",
    "example.org 192.0.2.1:65536",
    "example.org 192.0.2.1",
    "a;id 192.0.2.1:53",
    "a 192.0.2.1:53 b",
    "-x 192.0.2.1:53",
    ".. 192.0.2.1:53",
  ];
  for (const text of bad) assert.equal(read({ "internet-probe": text }).problems.length, 1, text);
});

test("`auto` is for the tools, not for Kubernetes", () => {
  const { inputs, problems } = read({
    "kind-version": "auto",
    "kubectl-version": "auto",
    "kubernetes-version": "auto",
  });
  assert.deepEqual([inputs.kindVersion, inputs.kubectlVersion], [undefined, undefined]);
  assert.equal(only(problems).input, "kubernetes-version");
});

test("no value of any input makes the reader throw, and every problem names an input that was given", () => {
  const names = ["cluster-name", "kubernetes-version", "kind-config", "workers", "wait", "dns", "extra-sans", "groups"];
  const more = [
    "rbac-manifests",
    "cni-manifests",
    "certificate-lifetime",
    "artifact-name",
    "kind-mirror",
    "internet-probe",
    "node-image",
  ];
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "constructor", "1.28", "\0", "-0"),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names, ...more), value), (given) => {
      for (const problem of read(given).problems) assert.ok(Object.hasOwn(given, problem.input));
    }),
    { numRuns: 300 },
  );
});
