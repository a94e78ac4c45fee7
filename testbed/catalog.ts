import { join } from "node:path";
import { cacheFolder, readJson, writeWhole } from "./cache.ts";

type Checksums = { readonly "linux-amd64": string };
export type NodeEntry = { readonly kubernetes: string; readonly image: string };
export type KindEntry = {
  readonly version: string;
  readonly released: string;
  readonly loadBalancer: string;
  readonly images: readonly NodeEntry[];
  readonly checksums: Checksums;
};
export type KubectlEntry = { readonly version: string; readonly checksums: Checksums };
export type Catalog = {
  readonly kind: readonly KindEntry[];
  readonly kubectl: readonly KubectlEntry[];
  readonly registry?: string;
  readonly cloudProvider?: { readonly image: string; readonly proxy: string };
};

export const catalogFile = (): string => join(cacheFolder(), "catalog.json");

/** Adds what this run has built to what earlier runs have built in the same cache. */
export async function extendCatalog(kinds: readonly KindEntry[], kubectls: readonly KubectlEntry[]): Promise<Catalog> {
  const catalog = merge(await read(), kinds, kubectls);
  await writeWhole(catalogFile(), `${JSON.stringify(catalog, null, 2)}\n`);
  return catalog;
}

/** Whether this cache has had a node image of this minor. One of an older recipe is built again. */
export async function isBuilt(minor: string): Promise<boolean> {
  const { kind } = await read();
  return kind.some(({ images }) => images.some(({ kubernetes }) => kubernetes.startsWith(`${minor}.`)));
}

/** Names images that no release of kind has. */
export async function nameImages(images: Pick<Catalog, "registry" | "cloudProvider">): Promise<void> {
  await writeWhole(catalogFile(), `${JSON.stringify({ ...(await read()), ...images }, null, 2)}\n`);
}

export function merge(known: Catalog, kinds: readonly KindEntry[], kubectls: readonly KubectlEntry[]): Catalog {
  const kind = new Map(known.kind.map((entry) => [entry.version, entry]));
  for (const entry of kinds) {
    const images = new Map((kind.get(entry.version)?.images ?? []).map((each) => [each.kubernetes, each]));
    for (const each of entry.images) images.set(each.kubernetes, each);
    const newestFirst = [...images.values()].sort((a, b) => compare(b.kubernetes, a.kubernetes));
    kind.set(entry.version, { ...entry, images: newestFirst });
  }
  const kubectl = new Map(known.kubectl.map((entry) => [entry.version, entry]));
  for (const entry of kubectls) kubectl.set(entry.version, entry);
  const newestFirst = (a: { version: string }, b: { version: string }): number => compare(b.version, a.version);
  return { ...known, kind: [...kind.values()].sort(newestFirst), kubectl: [...kubectl.values()].sort(newestFirst) };
}

async function read(): Promise<Catalog> {
  const written = await readJson(catalogFile());
  // The file is always written as a whole; anything that is not a catalog starts a new one.
  return isCatalog(written) ? written : { kind: [], kubectl: [] };
}

function isCatalog(value: unknown): value is Catalog {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    Array.isArray(value.kind) &&
    "kubectl" in value &&
    Array.isArray(value.kubectl)
  );
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
