import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { object, optional, parse, record, string } from "valibot";
import { parse as parseYaml } from "yaml";
import { readDefaults } from "../../scripts/local/action.ts";
import { planShape } from "../../src/cluster/config/shape.ts";
import { readInputs } from "../../src/inputs/inputs.ts";
import type { Outputs } from "../../src/report/outputs.ts";
import { hasJobFailed } from "../../src/runner/step.ts";
import { DEFAULT_KUBERNETES } from "../../src/versions/kubernetes.ts";
import { createInputs, environmentOf, FOLDERS } from "./builders.ts";

const schema = object({
  inputs: record(string(), object({ description: string(), default: optional(string()) })),
  outputs: record(string(), object({ description: string() })),
  runs: object({ using: string(), "post-if": string() }),
});

const action = parse(schema, parseYaml(await readFile(join(import.meta.dirname, "../../action.yml"), "utf8")));

/** Every output; the type makes sure that none is missing and none is added. */
const OUTPUTS: Readonly<Record<keyof Outputs, true>> = {
  "cluster-name": true,
  "kubernetes-version": true,
  "kind-version": true,
  "kubectl-version": true,
  "node-image": true,
  "kind-path": true,
  "kubectl-path": true,
  kubeconfig: true,
  context: true,
  endpoint: true,
  "endpoint-external": true,
  "ca-certificate": true,
  "ca-certificate-path": true,
  "client-certificate": true,
  "client-certificate-path": true,
  "client-key-path": true,
  "user-kubeconfig": true,
  "credentials-directory": true,
  "artifact-name": true,
  "artifact-id": true,
  "artifact-url": true,
  registry: true,
  "pod-subnet": true,
  "service-subnet": true,
  "torch-dashboard-url": true,
  "torch-engine-url": true,
  "torch-broker-url": true,
  "torch-package-cache-key": true,
};

test("action.yml declares exactly the inputs that the code reads", () => {
  const asked = new Set<string>();
  const environment: NodeJS.ProcessEnv = new Proxy(
    {},
    {
      get: (_, name) => {
        if (typeof name === "string" && name.startsWith("INPUT_")) asked.add(name);
        return undefined;
      },
    },
  );
  readInputs(environment, FOLDERS);
  hasJobFailed(environment);
  const declared = Object.keys(action.inputs).map((name) => `INPUT_${name.toUpperCase()}`);
  assert.deepEqual([...asked].toSorted(), declared.toSorted());
});

test("action.yml declares exactly the outputs that the code sets", () => {
  assert.deepEqual(Object.keys(action.outputs).toSorted(), Object.keys(OUTPUTS).toSorted());
});

test("the defaults that action.yml declares are what the code assumes for an unset input", async () => {
  const defaults = await readDefaults({ "job.status": "success" });
  const declared = readInputs(environmentOf(defaults), FOLDERS);
  assert.deepEqual(declared.problems, []);
  assert.deepEqual(declared.inputs, createInputs());
});

test("the defaults that only the descriptions mention are what the plan applies", () => {
  const shape = planShape(createInputs(), undefined);
  const count = (role: string) => shape.nodes.filter((node) => node.role === role).length;
  const said: readonly (readonly [string, string])[] = [
    ["cluster-name", `\`${shape.name}\``],
    ["kubernetes-version", `\`${DEFAULT_KUBERNETES}\``],
    ["control-planes", `else ${count("control-plane")}`],
    ["workers", `else ${count("worker")}`],
    ["dns", `\`${shape.dns.kind}\``],
    ["api-server-address", `\`${shape.apiServerAddress}\``],
  ];
  for (const [name, text] of said) {
    const input = action.inputs[name];
    assert.ok(input?.default === undefined, name);
    const unset = input?.description.slice(input.description.indexOf("Unset:")) ?? "";
    assert.ok(unset.startsWith("Unset:") && unset.includes(text), `${name}: ${unset}`);
  }
});

test("every input and output is described, and post runs however the job ends", () => {
  for (const [name, item] of [...Object.entries(action.inputs), ...Object.entries(action.outputs)]) {
    assert.match(item.description, /\.$/, name);
  }
  assert.deepEqual([action.runs.using, action.runs["post-if"]], ["node24", "always()"]);
});
