import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readInputGroups, readOutputs } from "../../../scripts/docs/declarations.ts";
import { renderDocument, SECTIONS } from "../../../scripts/docs/tables.ts";
import { CATALOG } from "../builders.ts";

const ROOT = join(import.meta.dirname, "../../..");

const ACTION = `
inputs:
  # Cluster. What a kind configuration can express as well has no default here.
  cluster-name:
    description: "Name | of the cluster."
  wait:
    description: How long.
    default: 5m
  # TORCH-V2
  torch:
    description: The sources.
  # Internal: what only the runner knows
  job-status:
    description: "Internal: how the job ended."
outputs:
  endpoint:
    description: The API server.
`;

const WORKFLOW = `
on:
  workflow_call:
    inputs:
      dns: { description: Names., type: string, default: "" }
    secrets:
      artifact-passphrase: { description: With it the key. }
    outputs:
      result: { description: How it ended. }
`;

const FAULTS = [
  { area: "Docker", cause: "no room", when: "in between", sees: "an error | with its fix", seconds: 60 },
  { area: "Runner", cause: "no file", when: "at the end", sees: "a warning", seconds: 5, left: "a file" },
];
const SOURCES = { actionYml: ACTION, torchWorkflow: WORKFLOW, catalog: CATALOG, faults: FAULTS };

/** A document with the markers of some sections, each with an old content. */
function documentWith(...names: readonly string[]): string {
  const sections = names.map(
    (name) => `<!-- ${name}: begin, written by scripts/docs/tables.ts -->\nold\n<!-- ${name}: end -->`,
  );
  return ["# Title", ...sections, "The end.", ""].join("\n");
}

/** A document's lines without the empty ones and the markers. */
function linesOf(document: string): readonly string[] {
  return document.split("\n").filter((line) => line !== "" && !line.startsWith("<!--"));
}

test("each document gets its own tables, and keeps everything else", () => {
  assert.deepEqual(linesOf(renderDocument("README.md", documentWith("inputs", "outputs"), SOURCES)), [
    "# Title",
    "| Name | Default | Description |",
    "| --- | --- | --- |",
    "| **Cluster** |  |  |",
    "| `cluster-name` |  | Name \\| of the cluster. |",
    "| `wait` | `5m` | How long. |",
    "| Name | Description |",
    "| --- | --- |",
    "| `endpoint` | The API server. |",
    "The end.",
  ]);
  assert.deepEqual(linesOf(renderDocument("docs/torch-v2.md", documentWith("torch inputs"), SOURCES)), [
    "# Title",
    "| Name | Default | Description |",
    "| --- | --- | --- |",
    "| `torch` |  | The sources. |",
    "The end.",
  ]);
  const reusable = documentWith("reusable inputs", "reusable outputs");
  assert.deepEqual(linesOf(renderDocument("docs/reusable-workflow.md", reusable, SOURCES)), [
    "# Title",
    "| Name | Default | Description |",
    "| --- | --- | --- |",
    "| `dns` |  | Names. |",
    "| `artifact-passphrase` |  | A secret. With it the key. |",
    "| Name | Description |",
    "| --- | --- |",
    "| `result` | How it ended. |",
    "The end.",
  ]);
  assert.deepEqual(linesOf(renderDocument("docs/versions.md", documentWith("versions"), SOURCES)), [
    "# Title",
    "| `kubernetes-version` | Kubernetes | kind |",
    "| --- | --- | --- |",
    "| `1.34` | 1.34.0 | 0.30.0 |",
    "| `1.31` | 1.31.12 | 0.30.0 |",
    "| `1.28` | 1.28.15 | 0.25.0 |",
    "| `1.27` | 1.27.16 | 0.25.0 |",
    "The end.",
  ]);
});

test("the table of faults has a part for each area, and escapes what would end a cell", () => {
  const faults = renderDocument("docs/faults.md", documentWith("faults"), SOURCES).split("\n").slice(3, -2);
  assert.deepEqual(faults.filter((line) => line.startsWith("| ")).slice(2), [
    "| **Docker** |  |  |  |  |",
    "| no room | in between | an error \\| with its fix | 60 s | nothing |",
    "| **Runner** |  |  |  |  |",
    "| no file | at the end | a warning | 5 s | a file |",
  ]);
});

test("tables that are up to date stay as they are", () => {
  const once = renderDocument("README.md", documentWith("inputs", "outputs"), SOURCES);
  assert.equal(renderDocument("README.md", once, SOURCES), once);
});

test("a document without a section's markers, or with them in the wrong order, is an error that names both", () => {
  const reversed = documentWith("versions").split("\n").toReversed().join("\n");
  for (const document of ["# Title\n", reversed]) {
    assert.throws(
      () => renderDocument("docs/versions.md", document, SOURCES),
      /^Error: docs\/versions\.md: there is no "<!-- versions: begin, .*" with an "<!-- versions: end -->" after it$/,
    );
  }
});

test("every input and output of action.yml is in exactly one document, but for what only the runner sets", async () => {
  const actionYml = await readFile(join(ROOT, "action.yml"), "utf8");
  const names = readInputGroups(actionYml).flatMap(({ name, inputs }) =>
    inputs.flatMap((input) => (name === "Internal" ? [] : [input.name])),
  );
  const sources = { ...SOURCES, actionYml };
  const rows = [...SECTIONS].flatMap(([name, { render }]) =>
    ["inputs", "torch inputs", "outputs"].includes(name)
      ? [...render(sources).matchAll(/^\| `([\w-]+)`/gm)].map(([, row]) => row)
      : [],
  );
  assert.ok(names.length > 40);
  assert.deepEqual(rows.toSorted(), [...names, ...readOutputs(actionYml).map(({ name }) => name)].toSorted());
});
