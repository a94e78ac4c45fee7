import semver from "semver";
import { type Finding, platformOf } from "./checksums.ts";
import type { Addition, NewRelease } from "./plan.ts";

type Entry = Readonly<Record<string, unknown>>;

/**
 * The text of the catalog with what is new, newest first. What was there stays as it is written; of entries that are
 * there, only missing checksums are filled in.
 * @param text a catalog that `parseCatalog` takes.
 */
export function extendCatalog(text: string, { releases, findings }: Addition): string {
  if (releases.length === 0 && findings.length === 0) return text;
  const root = asEntry(JSON.parse(text));
  const kind = [...asEntries(root.kind), ...releases.map(kindEntry)];
  const kubectl = asEntries(root.kubectl);
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
      return { ...entry, checksums: { ...asEntry(entry.checksums), ...Object.fromEntries(sums) } };
    })
    .toSorted((a, b) => semver.rcompare(versionOf(a), versionOf(b)));
}

/** An entry's version without the v that it may begin with, as the catalog's reader takes it. */
function versionOf(entry: Entry): string {
  return semver.valid(String(entry.version)) ?? "0.0.0";
}

function asEntries(value: unknown): readonly Entry[] {
  return Array.isArray(value) ? value.map(asEntry) : [];
}

function asEntry(value: unknown): Entry {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
