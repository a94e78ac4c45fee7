import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { builtInCatalog, type Catalog } from "../../src/versions/catalog.ts";
import { minorOf } from "../../src/versions/request.ts";
import { resolveVersions } from "../../src/versions/resolve.ts";

/** The README's tables, made from action.yml and the catalog: `node docs/tables.ts` writes, `--check` compares. */

/** One input or output of action.yml. */
export interface Entry {
  readonly name: string;
  readonly description: string;
  readonly default: string | undefined;
}

/** The inputs below one comment line of action.yml. */
export interface Group {
  readonly name: string;
  readonly entries: readonly Entry[];
}

/** One Kubernetes minor, with what `auto` makes of it. */
export interface VersionRow {
  readonly minor: string;
  readonly kubernetes: string;
  readonly kind: string;
}

/** The group whose inputs are the runner's to set, and no reader's. */
const INTERNAL = "Internal";

/** Reads the inputs in their order; a comment line (`# Host`, `# Cluster. More about it.`) begins a group. */
export function readInputGroups(actionYml: string): readonly Group[] {
  const groups: { readonly name: string; readonly entries: Entry[] }[] = [];
  const inputs = readMap(actionYml, "inputs");
  for (const [index, { key, value }] of inputs.items.entries()) {
    // The YAML library hangs a comment above the first key on the mapping itself.
    const comment = isScalar(key) ? (key.commentBefore ?? (index === 0 ? inputs.commentBefore : undefined)) : undefined;
    const name = groupName(comment);
    if (name !== undefined) groups.push({ name, entries: [] });
    const group = groups.at(-1);
    if (group === undefined) throw new Error("action.yml: the first input has no comment line that names its group");
    group.entries.push(readEntry(key, value));
  }
  return groups;
}

/** Reads the outputs in their order. */
export function readOutputs(actionYml: string): readonly Entry[] {
  return readMap(actionYml, "outputs").items.map(({ key, value }) => readEntry(key, value));
}

/** Reads what a reusable workflow takes or gives, in its order. */
export function readCall(workflow: string, what: "inputs" | "secrets" | "outputs"): readonly Entry[] {
  return readMap(workflow, "on", "workflow_call", what).items.map(({ key, value }) => readEntry(key, value));
}

/** Every minor that the catalog has, newest first, as the Action's own resolver would choose for it. */
export function resolveMinors(catalog: Catalog): readonly VersionRow[] {
  const known = catalog.kind.flatMap((release) => release.images.map((image) => minorOf(image.kubernetes)));
  const minors = [...new Set(known)].toSorted((a, b) => semver.rcompare(`${a}.0`, `${b}.0`));
  return minors.map((minor) => {
    const resolution = resolveVersions(
      {
        kubernetes: { kind: "minor", minor },
        kind: undefined,
        kubectl: undefined,
        nodeImage: undefined,
        configuredImages: [],
      },
      catalog,
      undefined,
    );
    if (!resolution.ok) throw new Error(`the catalog's Kubernetes ${minor} does not resolve`);
    return { minor, kubernetes: resolution.versions.kubernetes, kind: resolution.versions.kind };
  });
}

/** The input tables, one for each group; the internal inputs are left out. */
export function renderInputs(groups: readonly Group[]): string {
  return groups
    .filter((group) => group.name !== INTERNAL)
    .map(({ name, entries }) => {
      const rows = entries.map((entry) => [
        code(entry.name),
        entry.default === undefined ? "" : code(entry.default),
        entry.description,
      ]);
      return `### ${name}\n\n${renderTable(["Name", "Default", "Description"], rows)}`;
    })
    .join("\n\n");
}

/** The table of what a reusable workflow takes: inputs with their defaults, then secrets. */
export function renderCallInputs(inputs: readonly Entry[], secrets: readonly Entry[]): string {
  return renderTable(
    ["Name", "Default", "Description"],
    [
      ...inputs.map((entry) => [
        code(entry.name),
        (entry.default ?? "") && code(entry.default ?? ""),
        entry.description,
      ]),
      ...secrets.map((entry) => [code(entry.name), "", `A secret. ${entry.description}`]),
    ],
  );
}

/** The output table. */
export function renderOutputs(outputs: readonly Entry[]): string {
  return renderTable(
    ["Name", "Description"],
    outputs.map(({ name, description }) => [code(name), description]),
  );
}

/** The version table. */
export function renderVersions(rows: readonly VersionRow[]): string {
  return renderTable(
    ["`kubernetes-version`", "Kubernetes", "kind"],
    rows.map(({ minor, kubernetes, kind }) => [code(minor), kubernetes, kind]),
  );
}

/** Puts a text between the two markers of a section. @throws Error where they are missing. */
export function replaceSection(document: string, section: string, content: string): string {
  const begin = `<!-- ${section}: begin, written by docs/tables.ts -->`;
  const end = `<!-- ${section}: end -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) throw new Error(`README.md: there is no "${begin}" with an "${end}" after it`);
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`;
}

/** The README with its tables as action.yml and the catalog have them. */
export function renderReadme(readme: string, actionYml: string, torchWorkflow: string, catalog: Catalog): string {
  const sections: readonly (readonly [string, string])[] = [
    ["inputs", renderInputs(readInputGroups(actionYml))],
    ["outputs", renderOutputs(readOutputs(actionYml))],
    ["reusable inputs", renderCallInputs(readCall(torchWorkflow, "inputs"), readCall(torchWorkflow, "secrets"))],
    ["reusable outputs", renderOutputs(readCall(torchWorkflow, "outputs"))],
    ["versions", renderVersions(resolveMinors(catalog))],
  ];
  return sections.reduce((text, [section, content]) => replaceSection(text, section, content), readme);
}

function readMap(text: string, ...path: readonly string[]): YAMLMap {
  const node = parseDocument(text).getIn(path);
  if (!isMap(node)) throw new Error(`${path.join(".")} is not a mapping`);
  return node;
}

function readEntry(key: unknown, value: unknown): Entry {
  const name = isScalar(key) ? String(key.value) : "";
  const description = isMap(value) ? value.get("description") : undefined;
  if (!isMap(value) || typeof description !== "string") throw new Error(`${name} has no description`);
  const preset = value.get("default");
  return { name, description, default: preset === undefined ? undefined : String(preset) };
}

/** The first words of a comment: ` Host` is Host, ` Internal: what only ...` is Internal. */
function groupName(comment: string | null | undefined): string | undefined {
  const name = /^\s*([^.:\n]+)/.exec(comment ?? "")?.[1]?.trim();
  return name === "" ? undefined : name;
}

function code(text: string): string {
  return `\`${text}\``;
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

async function main(words: readonly string[]): Promise<number> {
  const [mode, ...more] = words;
  if (more.length > 0 || (mode !== undefined && mode !== "--check")) {
    console.error("usage: node docs/tables.ts [--check]");
    return 2;
  }
  const root = join(import.meta.dirname, "../..");
  const path = join(root, "README.md");
  const [readme, actionYml, torchWorkflow] = await Promise.all([
    readFile(path, "utf8"),
    readFile(join(root, "action.yml"), "utf8"),
    readFile(join(root, ".github/workflows/torch-e2e.yml"), "utf8"),
  ]);
  const wanted = renderReadme(readme, actionYml, torchWorkflow, builtInCatalog());
  if (wanted === readme) return 0;
  if (mode === "--check") {
    console.error("README.md's tables are not what action.yml and the catalog say: run node docs/tables.ts");
    return 1;
  }
  await writeFile(path, wanted);
  return 0;
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
