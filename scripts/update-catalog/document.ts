import semver from "semver";
import { array, type InferOutput, nullish, parse, record, string, unknown } from "valibot";
import { readJson } from "../../src/values/json.ts";
import { type Finding, platformOf } from "./checksums.ts";
import type { Addition, NewRelease } from "./plan.ts";

/** An entry of the catalog with all its fields, those too that the Action does not read. */
const entrySchema = record(string(), unknown());
const entriesSchema = nullish(array(entrySchema), []);

type Entry = Readonly<InferOutput<typeof entrySchema>>;

/**
 * The text of the catalog with what is new, newest first. Existing entries stay as they are written; only checksums that
 * they lack are filled in.
 * @param text a catalog that `parseCatalog` accepts.
 */
export function extendCatalog(text: string, { releases, findings }: Addition): string {
  if (releases.length === 0 && findings.length === 0) return text;
  const root = readJson(entrySchema, text);
  const kind = [...parse(entriesSchema, root.kind), ...releases.map(kindEntry)];
  const kubectl = parse(entriesSchema, root.kubectl);
  const versions = new Set(kubectl.map(versionOf));
  const found = findings.filter(({ tool, version }) => tool === "kubectl" && !versions.has(version));
  const added = [...new Set(found.map(({ version }) => version))].map((version) => ({ version, checksums: {} }));
  const catalog = {
    ...root,
    kind: fillChecksums(
      kind,
      findings.filter(({ tool }) => tool === "kind"),
    ),
    kubectl: fillChecksums(
      [...kubectl, ...added],
      findings.filter(({ tool }) => tool === "kubectl"),
    ),
  };
  return `${JSON.stringify(catalog, null, 2)}\n`;
}

function kindEntry({ version, released, loadBalancer, images }: NewRelease): Entry {
  return { version, released, ...(loadBalancer === undefined ? {} : { loadBalancer }), images, checksums: {} };
}

function fillChecksums(entries: readonly Entry[], findings: readonly Finding[]): readonly Entry[] {
  return entries
    .map((entry) => {
      const found = findings.filter(({ version }) => version === versionOf(entry));
      if (found.length === 0) return entry;
      const sums = found.map(({ architecture, checksum }) => [platformOf(architecture), checksum]);
      const known = parse(nullish(entrySchema, {}), entry.checksums);
      return { ...entry, checksums: { ...known, ...Object.fromEntries(sums) } };
    })
    .toSorted((a, b) => semver.rcompare(versionOf(a), versionOf(b)));
}

/** An entry's version without the v that it may begin with, as the catalog's reader takes it. */
function versionOf(entry: Entry): string {
  return semver.valid(String(entry.version)) ?? "0.0.0";
}
