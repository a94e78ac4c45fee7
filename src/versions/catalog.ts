import semver from "semver";
import {
  array,
  type BaseIssue,
  check,
  exactOptional,
  minLength,
  nullish,
  type ObjectEntries,
  object,
  optional,
  pipe,
  record,
  regex,
  safeParse,
  string,
  toLowerCase,
  transform,
  unknown,
} from "valibot";
import { Failure } from "../errors.ts";
import { SHA256_HEX } from "../tools/checksum.ts";
import { imageReference } from "../values/images.ts";
import builtIn from "./catalog.json" with { type: "json" };

/**
 * SHA-256 sums in hex, by platform (`linux-amd64`). In the built-in catalog a sum comes from the tool's own project and
 * was compared with the binary (`scripts/update-catalog/checksums.ts`), or two or more independent public sources agree
 * on it. It is never changed. A tool without a sum for its platform is not verified against the catalog, and the run
 * says so.
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
  /** The image of the registry beside a cluster. */
  readonly registry?: string;
  readonly cloudProvider?: CloudProviderImages;
}

/** What gives Services of type LoadBalancer their addresses: cloud-provider-kind, and the proxy of each Service. */
export interface CloudProviderImages {
  readonly image: string;
  readonly proxy: string;
}

/** The catalog that comes with this version of the Action. */
export function builtInCatalog(): Catalog {
  return readCatalog(builtIn);
}

/** The digests of the images that a catalog lists. */
export function listDigests({ kind, registry, cloudProvider }: Catalog): ReadonlySet<string> {
  const references = [
    ...kind.flatMap(({ images, loadBalancer }) => [...images.map(({ image }) => image), loadBalancer]),
    registry,
    cloudProvider?.image,
    cloudProvider?.proxy,
  ];
  return new Set(references.flatMap((reference) => reference?.split("@")[1] ?? []));
}

/**
 * Reads a catalog file.
 * @throws Failure naming the first field that is wrong, and what it must be.
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
  const { success, output, issues } = safeParse(catalogSchema, data, { abortEarly: true });
  if (!success) throw new Failure(describeIssue(issues[0]));
  return { ...output, kind: output.kind.toSorted((a, b) => semver.rcompare(a.version, b.version)) };
}

/** What is wrong, behind the path of its field: `kind[0].images is not a list`. */
function describeIssue({ path, message }: BaseIssue<unknown>): string {
  const keys = (path ?? []).map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${key}`));
  return `${keys.join("").slice(1)} ${message}`.trimStart();
}

/** An object with these fields; it may have others. Valibot's own schema takes a list for an object. */
function fields<E extends ObjectEntries>(entries: E) {
  return pipe(unknown(), check(isMapping, "is not an object"), object(entries, "is missing"));
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const versionSchema = pipe(
  string("is not a string with a version such as 1.28.15"),
  check((text) => semver.valid(text) !== null, "is not a version such as 1.28.15"),
  transform((text) => semver.valid(text) ?? text),
);

const imageSchema = pipe(
  string("is not a string with an image reference"),
  check(
    (text) => "value" in imageReference(text),
    "is not a full image reference such as kindest/node:v1.28.15@sha256:...",
  ),
);

const checksumSchema = pipe(
  string("is not a string with a SHA-256 in hex"),
  toLowerCase(),
  regex(SHA256_HEX, "is not a SHA-256 in hex, which has 64 digits"),
);

const checksumsSchema = optional(
  pipe(unknown(), check(isMapping, "is not an object"), record(string(), checksumSchema)),
  {},
);

const kindSchema = fields({
  version: versionSchema,
  loadBalancer: exactOptional(imageSchema),
  images: array(fields({ kubernetes: versionSchema, image: imageSchema }), "is not a list"),
  checksums: checksumsSchema,
});

const catalogSchema = fields({
  registry: exactOptional(imageSchema),
  cloudProvider: exactOptional(fields({ image: imageSchema, proxy: imageSchema })),
  kind: pipe(array(kindSchema, "is not a list"), minLength(1, "does not list a release")),
  kubectl: nullish(array(fields({ version: versionSchema, checksums: checksumsSchema }), "is not a list"), []),
});
