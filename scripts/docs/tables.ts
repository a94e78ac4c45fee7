import { glob, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import semver from "semver";
import { OTHER_ACTIONS } from "../../src/inputs/other-actions.ts";
import type { OtherAction } from "../../src/inputs/other-input.ts";
import { tableLines } from "../../src/report/markdown/table.ts";
import { builtInCatalog, type Catalog } from "../../src/versions/catalog.ts";
import { minorOf } from "../../src/versions/request.ts";
import { resolveVersions } from "../../src/versions/resolve.ts";
import { type Fault, readFaults } from "../../test/e2e/fault.ts";
import { type Conformance, readConformance, renderConformance } from "./conformance.ts";
import { type Declaration, type InputGroup, readCall, readInputGroups, readOutputs } from "./declarations.ts";

/**
 * The documentation's tables, made from action.yml, the reusable workflow, the catalog and the names of other actions:
 * `node scripts/docs/tables.ts` writes them, `--check` compares them.
 */

/** What the tables are made from. */
export interface Sources {
  readonly actionYml: string;
  readonly torchWorkflow: string;
  readonly catalog: Catalog;
  readonly faults: readonly Fault[];
  readonly conformance: Conformance;
}

/** What is generated between two markers of a document. */
export interface Section {
  readonly document: string;
  readonly render: (sources: Sources) => string;
}

/** The group whose inputs the runner sets, and no reader. */
const INTERNAL = "Internal";
/** The group with a document of its own. */
const TORCH = "TORCH-V2";

/** Every generated section, by the name in its markers. */
export const SECTIONS: ReadonlyMap<string, Section> = new Map<string, Section>([
  ["inputs", { document: "README.md", render: ({ actionYml }) => renderGroups(readInputGroups(actionYml)) }],
  ["outputs", { document: "README.md", render: ({ actionYml }) => renderOutputs(readOutputs(actionYml)) }],
  [
    "torch inputs",
    {
      document: "docs/torch-v2.md",
      render: ({ actionYml }) =>
        renderInputs(readInputGroups(actionYml).flatMap(({ name, inputs }) => (name === TORCH ? inputs : []))),
    },
  ],
  [
    "reusable inputs",
    {
      document: "docs/reusable-workflow.md",
      render: ({ torchWorkflow }) =>
        renderInputs([...readCall(torchWorkflow, "inputs"), ...readCall(torchWorkflow, "secrets").map(asSecret)]),
    },
  ],
  [
    "reusable outputs",
    {
      document: "docs/reusable-workflow.md",
      render: ({ torchWorkflow }) => renderOutputs(readCall(torchWorkflow, "outputs")),
    },
  ],
  ["versions", { document: "docs/versions.md", render: ({ catalog }) => renderVersions(catalog) }],
  ["faults", { document: "docs/faults.md", render: ({ faults }) => renderFaults(faults) }],
  ["conformance", { document: "docs/conformance.md", render: ({ conformance }) => renderConformance(conformance) }],
  ["other actions", { document: "docs/migrating.md", render: () => renderOtherActions(OTHER_ACTIONS) }],
]);

/** A document with its generated sections as the sources have them. @throws Error where a marker is missing. */
export function renderDocument(path: string, text: string, sources: Sources): string {
  return [...SECTIONS]
    .filter(([, { document }]) => document === path)
    .reduce((whole, [name, { render }]) => replaceSection(whole, name, render(sources), path), text);
}

function replaceSection(text: string, name: string, content: string, path: string): string {
  const begin = `<!-- ${name}: begin, written by scripts/docs/tables.ts -->`;
  const end = `<!-- ${name}: end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${path}: there is no "${begin}" with an "${end}" after it`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** One table of the groups that readers set and that have no document of their own; a row with its name begins a group. */
function renderGroups(groups: readonly InputGroup[]): string {
  const shown = groups.filter(({ name }) => name !== INTERNAL && name !== TORCH);
  return renderTable(
    INPUT_HEAD,
    shown.flatMap(({ name, inputs }) => [[`**${name}**`, "", ""], ...inputs.map(inputRow)]),
  );
}

function renderInputs(inputs: readonly Declaration[]): string {
  return renderTable(INPUT_HEAD, inputs.map(inputRow));
}

const INPUT_HEAD = ["Name", "Default", "Description"];

function inputRow({ name, default: preset = "", description }: Declaration): readonly string[] {
  return [code(name), preset === "" ? "" : code(preset), description];
}

function asSecret(secret: Declaration): Declaration {
  return { ...secret, description: `A secret. ${secret.description}` };
}

function renderOutputs(outputs: readonly Declaration[]): string {
  return renderTable(
    ["Name", "Description"],
    outputs.map(({ name, description }) => [code(name), description]),
  );
}

/** One table; a row with its name begins an action. */
function renderOtherActions(actions: readonly OtherAction[]): string {
  const rows = actions.flatMap(({ name, inputs }) => [
    [`**${name}**`, "", ""],
    ...inputs.map((input) => [code(input.name), input.ours.map(code).join(", "), input.fix]),
  ]);
  return renderTable(["Its input", "Here", "What to do"], rows);
}

/** One table of everything that the tests cause; a row with its name begins an area. */
function renderFaults(faults: readonly Fault[]): string {
  const areas = [...new Set(faults.map(({ area }) => area))];
  const rows = areas.flatMap((area) => [
    [`**${area}**`, "", "", "", ""],
    ...faults
      .filter((fault) => fault.area === area)
      .map(({ cause, when, sees, seconds, left = "nothing", long }) => {
        const within = `${seconds} s${long === true ? ", by hand" : ""}`;
        return [cause, when, sees, within, left];
      }),
  ]);
  return renderTable(["Cause", "When", "What the user sees", "Within", "Left after post"], rows);
}

/** Every minor of the catalog, newest first, with what the Action's own resolver chooses for it. */
function renderVersions(catalog: Catalog): string {
  const known = catalog.kind.flatMap((release) => release.images.map((image) => minorOf(image.kubernetes)));
  const minors = [...new Set(known)].toSorted((a, b) => semver.rcompare(`${a}.0`, `${b}.0`));
  const rows = minors.map((minor) => {
    const { kubernetes, kind } = resolveMinor(minor, catalog);
    return [code(minor), kubernetes, kind];
  });
  return renderTable(["`kubernetes-version`", "Kubernetes", "kind"], rows);
}

function resolveMinor(minor: string, catalog: Catalog): { readonly kubernetes: string; readonly kind: string } {
  const unset = { kind: undefined, kubectl: undefined, nodeImage: undefined, configuredImages: [] };
  const resolution = resolveVersions({ kubernetes: { kind: "minor", minor }, ...unset }, catalog, undefined);
  if (!resolution.ok) throw new Error(`the catalog's Kubernetes ${minor} does not resolve`);
  return resolution.versions;
}

function code(text: string): string {
  return `\`${text}\``;
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escapePipes = (cell: string) => cell.replaceAll("|", "\\|");
  const cells = rows.map((row) => row.map(escapePipes));
  return tableLines(head.map(escapePipes), cells).join("\n");
}

async function findFaultTests(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of glob("test/e2e/faults-*.test.ts", { cwd: root })) files.push(join(root, file));
  return files.toSorted();
}

/** Writes the documents whose tables differ, or only names them. @returns those documents. */
async function updateDocuments(root: string, write: "write" | "compare"): Promise<readonly string[]> {
  const read = (path: string) => readFile(join(root, path), "utf8");
  const [actionYml, torchWorkflow] = await Promise.all(["action.yml", ".github/workflows/torch-e2e.yml"].map(read));
  const faults = await readFaults(await findFaultTests(root));
  const texts = { actionYml: actionYml ?? "", torchWorkflow: torchWorkflow ?? "" };
  const sources = { ...texts, catalog: builtInCatalog(), faults, conformance: await readConformance(root) };
  const different: string[] = [];
  for (const path of new Set([...SECTIONS.values()].map(({ document }) => document))) {
    const text = await read(path);
    const wanted = renderDocument(path, text, sources);
    if (wanted === text) continue;
    different.push(path);
    if (write === "write") await writeFile(join(root, path), wanted);
  }
  return different;
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
    const different = await updateDocuments(join(import.meta.dirname, "../.."), values.check ? "compare" : "write");
    if (values.check && different.length > 0) {
      console.error(`The generated tables of ${different.join(", ")} are out of date. Fix: run npm run docs.`);
      process.exitCode = 1;
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
