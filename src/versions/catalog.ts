import semver from "semver";
import { Failure } from "../errors.ts";
import { imageReference } from "../values/images.ts";
import builtIn from "./catalog.json" with { type: "json" };

/**
 * SHA-256 sums in hex, by platform (`linux-amd64`). In the built-in catalog a sum comes from the tool's own project and
 * was compared with the binary (`scripts/update-catalog/checksums.ts`), or it is the same in two or more independent public sources.
 * It is never changed. Where a platform has none, the tool is not verified against the catalog, and the run says so.
 */
export type Checksums = Readonly<Record<string, string>>;

export interface NodeImage {
  /** The Kubernetes version inside, `1.28.15`. */
  readonly kubernetes: string;
  /** A full reference, `kindest/node:v1.28.15@sha256:...`: tags are pushed again, digests are not. */
  readonly image: string;
}

export interface KindRelease {
  readonly version: string;
  readonly loadBalancer?: string;
  readonly images: readonly NodeImage[];
  readonly checksums: Checksums;
}

export interface KubectlRelease {
  readonly version: string;
  readonly checksums: Checksums;
}

/** What can be chosen from: kind's releases, newest first, with the node images published for each. */
export interface Catalog {
  readonly kind: readonly KindRelease[];
  readonly kubectl: readonly KubectlRelease[];
}

/** The catalog that comes with this version of the Action. */
export function builtInCatalog(): Catalog {
  return readCatalog(builtIn);
}

/** The digests of the images that a catalog lists. */
export function listDigests({ kind }: Catalog): ReadonlySet<string> {
  const references = kind.flatMap(({ images, loadBalancer }) => [...images.map(({ image }) => image), loadBalancer]);
  return new Set(references.flatMap((reference) => reference?.split("@")[1] ?? []));
}

/**
 * Reads a catalog file.
 * @throws Failure naming the first entry that is not of the documented form.
 */
export function parseCatalog(text: string): Catalog {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new Failure(`is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  return readCatalog(data);
}

function readCatalog(data: unknown): Catalog {
  const root = asRecord(data, "the catalog");
  const kind = asList(root.kind, "kind").map((entry, index): KindRelease => {
    const at = `kind[${index}]`;
    const release = asRecord(entry, at);
    return {
      version: asVersion(release.version, `${at}.version`),
      ...(release.loadBalancer === undefined
        ? {}
        : { loadBalancer: asImage(release.loadBalancer, `${at}.loadBalancer`) }),
      images: asList(release.images, `${at}.images`).map((item, position): NodeImage => {
        const image = asRecord(item, `${at}.images[${position}]`);
        return {
          kubernetes: asVersion(image.kubernetes, `${at}.images[${position}].kubernetes`),
          image: asImage(image.image, `${at}.images[${position}].image`),
        };
      }),
      checksums: asChecksums(release.checksums, `${at}.checksums`),
    };
  });
  if (kind.length === 0) throw new Failure("lists no kind release");
  const kubectl = asList(root.kubectl ?? [], "kubectl").map((entry, index): KubectlRelease => {
    const release = asRecord(entry, `kubectl[${index}]`);
    return {
      version: asVersion(release.version, `kubectl[${index}].version`),
      checksums: asChecksums(release.checksums, `kubectl[${index}].checksums`),
    };
  });
  return { kind: kind.toSorted((a, b) => semver.rcompare(a.version, b.version)), kubectl };
}

function asRecord(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Failure(`${at} is not an object`);
  return Object.fromEntries(Object.entries(value));
}

function asList(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Failure(`${at} is not a list`);
  return value;
}

function asText(value: unknown, at: string): string {
  if (typeof value !== "string" || value === "") throw new Failure(`${at} is not a text`);
  return value;
}

function asImage(value: unknown, at: string): string {
  const image = asText(value, at);
  if ("issue" in imageReference(image)) throw new Failure(`${at} is not a full image reference`);
  return image;
}

function asVersion(value: unknown, at: string): string {
  const version = semver.valid(asText(value, at));
  if (version === null) throw new Failure(`${at} is not a version such as 1.28.15`);
  return version;
}

function asChecksums(value: unknown, at: string): Checksums {
  if (value === undefined) return {};
  const entries = Object.entries(asRecord(value, at)).map(([platform, sum]) => {
    const hex = asText(sum, `${at}.${platform}`).toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(hex)) throw new Failure(`${at}.${platform} is not a SHA-256 in hex`);
    return [platform, hex] as const;
  });
  return Object.fromEntries(entries);
}
