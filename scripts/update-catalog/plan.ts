import semver from "semver";
import { describeError, Failure } from "../../src/errors.ts";
import type { Catalog, KindRelease, NodeImage } from "../../src/versions/catalog.ts";
import { OLDEST_KIND } from "../../src/versions/kind.ts";
import { minorOf } from "../../src/versions/request.ts";
import { ARCHITECTURES, type Finding, findGaps, findPinned, type Gap, type Pinned } from "./checksums.ts";
import { parseReleaseNotes } from "./release-notes.ts";
import type { Release } from "./releases.ts";
import { quote, type Remark } from "./report.ts";

/** A release of kind that the catalog lacks. */
export interface NewRelease {
  readonly version: string;
  readonly released: string;
  readonly images: readonly NodeImage[];
  readonly loadBalancer?: string;
}

/** What an update has to find out. */
export interface Plan {
  readonly releases: readonly NewRelease[];
  readonly gaps: readonly Gap[];
  /** The minors of Kubernetes that have an image, newest first. */
  readonly minors: readonly string[];
  /** The checksums that the catalog has, to compare with what is published now. */
  readonly pinned: readonly Pinned[];
  readonly remarks: readonly Remark[];
}

/** What is added to the catalog. */
export interface Addition {
  readonly releases: readonly NewRelease[];
  readonly findings: readonly Finding[];
}

/**
 * Decides which releases and checksums an update has to add, and reports where the notes of a release differ from its
 * entry in the catalog. Such an entry is not changed: digests that worked are better than what was edited since.
 * @throws Failure if there is no release at all, or the notes of a new one list no image.
 */
export function planUpdate(catalog: Catalog, releases: readonly Release[]): Plan {
  const published = releases.filter(({ version }) => semver.gte(version, OLDEST_KIND));
  if (published.length === 0)
    throw new Failure(`GitHub lists no release of kind since ${OLDEST_KIND}.`, { fix: "check GITHUB_API_URL" });
  const known = new Map(catalog.kind.map((entry) => [entry.version, entry]));
  const remarks: Remark[] = [];
  const fresh: NewRelease[] = [];
  for (const { version, released, body } of published) {
    const entry = known.get(version);
    if (entry !== undefined) {
      remarks.push(...compareNotes(entry, body));
      continue;
    }
    const notes = parseReleaseNotes(version, body);
    remarks.push(...notes.remarks);
    fresh.push({ version, released, images: notes.images });
  }
  const gone = catalog.kind.filter((entry) => !published.some(({ version }) => version === entry.version));
  remarks.push(
    ...gone.map(({ version }): Remark => ({ needsReview: true, text: `kind ${version}: GitHub no longer lists it` })),
  );
  return {
    releases: fresh,
    gaps: planChecksums(catalog, fresh),
    minors: listMinors([...fresh, ...catalog.kind]),
    pinned: listPinned(catalog),
    remarks,
  };
}

/**
 * The checksums of the newest kubectl of each minor, unless the catalog has that version or the plan contains it.
 * @param newest the newest patch of each minor, if one is published.
 */
export function planPatches(catalog: Catalog, { gaps }: Plan, newest: readonly (string | undefined)[]): readonly Gap[] {
  const known = new Set([
    ...catalog.kubectl.map(({ version }) => version),
    ...gaps.filter(({ tool }) => tool === "kubectl").map(({ version }) => version),
  ]);
  return newest
    .filter((version) => version !== undefined)
    .flatMap((version) => (known.has(version) ? [] : findGaps("kubectl", version, {})));
}

function listMinors(releases: readonly { readonly images: readonly NodeImage[] }[]): readonly string[] {
  const versions = releases.flatMap(({ images }) => images.map(({ kubernetes }) => kubernetes));
  return [...new Set(versions.toSorted(semver.rcompare).map(minorOf))];
}

function listPinned(catalog: Catalog): readonly Pinned[] {
  return [
    ...catalog.kind.flatMap(({ version, checksums }) => findPinned("kind", version, checksums)),
    ...catalog.kubectl.flatMap(({ version, checksums }) => findPinned("kubectl", version, checksums)),
  ];
}

/**
 * Every kind and every kubectl in the catalog needs its checksums, and every Kubernetes that has an image needs its
 * kubectl.
 */
function planChecksums(catalog: Catalog, fresh: readonly NewRelease[]): readonly Gap[] {
  const kubectl = new Map(catalog.kubectl.map((entry) => [entry.version, entry.checksums]));
  const images = [...fresh, ...catalog.kind].flatMap((release) => release.images);
  const versions = new Set([...images.map(({ kubernetes }) => kubernetes), ...kubectl.keys()]);
  return [
    ...fresh.flatMap(({ version }) => findGaps("kind", version, {})),
    ...catalog.kind.flatMap(({ version, checksums }) => findGaps("kind", version, checksums)),
    ...[...versions]
      .toSorted(semver.rcompare)
      .flatMap((version) => findGaps("kubectl", version, kubectl.get(version) ?? {})),
  ];
}

/** Reports where the notes of a release differ from its entry in the catalog. */
function compareNotes(entry: KindRelease, body: string): readonly Remark[] {
  const notes = readAgain(entry.version, body);
  if (typeof notes === "string") return [{ needsReview: true, text: `${quote(notes)} The catalog keeps its entry.` }];
  const added = notes.images.filter((image) => !entry.images.some((each) => isSame(each, image)));
  const missing = entry.images.filter((image) => !notes.images.some((each) => isSame(each, image)));
  if (added.length + missing.length === 0) return [];
  const say = (text: string): Remark => ({ needsReview: true, text: `kind ${entry.version}: ${text}` });
  return [
    ...added.map(({ image }) => say(`the notes list ${quote(image)}, which the catalog does not have for it`)),
    ...missing.map(({ image }) => say(`the catalog has ${quote(image)}, which the notes do not list`)),
    // They say why an image that the notes had is no longer read.
    ...(missing.length > 0 ? notes.remarks : []),
  ];
}

/** The notes of a release that the catalog has, or why they can no longer be read. */
function readAgain(version: string, body: string) {
  try {
    return parseReleaseNotes(version, body);
  } catch (error) {
    return describeError(error);
  }
}

/** Whether two entries are the same image. If a tag lies about the version inside, the catalog has the true one. */
function isSame(a: NodeImage, b: NodeImage): boolean {
  const digestOf = ({ image }: NodeImage) => image.split("@")[1];
  return a.image === b.image || (a.kubernetes === b.kubernetes && digestOf(a) === digestOf(b));
}

/**
 * Decides what is added to the catalog, from what was found out.
 * @param releases the plan's, with their load balancers.
 * @throws Failure if a binary is missing that must exist.
 */
export function resolveAddition(
  releases: readonly NewRelease[],
  findings: readonly Finding[],
): Addition & { readonly remarks: readonly Remark[] } {
  const unreleased = findUnreleased(findings);
  const lost = findings.find(({ version, checksum }) => checksum === undefined && !unreleased.has(version));
  if (lost !== undefined) {
    throw new Failure(`There is no checksum of ${lost.tool} ${lost.version} at ${lost.checksumUrl}.`, {
      fix: "run the update again later: its project may not have published everything yet",
    });
  }
  return {
    releases: releases.map((release) => leaveOut(release, unreleased)),
    findings: findings.filter(({ checksum }) => checksum !== undefined),
    remarks: [...unreleased].map(([version, { checksumUrl }]) => ({
      needsReview: true,
      text: `there is no kubectl ${version} (${quote(checksumUrl)}): a tag names a version that was never released, so new images with it are left out`,
    })),
  };
}

/**
 * The Kubernetes versions without a kubectl for any processor. kind once published a tag of a version that was never
 * released (0.24.0 and v1.27.17): such a cluster could not get its kubectl.
 */
function findUnreleased(findings: readonly Finding[]): ReadonlyMap<string, Finding> {
  const absent = findings.filter(({ tool, checksum }) => tool === "kubectl" && checksum === undefined);
  const everywhere = absent.filter(
    ({ version }) => absent.filter((each) => each.version === version).length === ARCHITECTURES.length,
  );
  return new Map(everywhere.map((finding) => [finding.version, finding]));
}

function leaveOut(release: NewRelease, unreleased: ReadonlyMap<string, Finding>): NewRelease {
  const images = release.images.filter(({ kubernetes }) => !unreleased.has(kubernetes));
  if (images.length > 0) return { ...release, images };
  throw new Failure(`kind ${release.version} has no image of a Kubernetes version that was released.`, {
    fix: "run the update again later, and read the notes of that release",
  });
}
