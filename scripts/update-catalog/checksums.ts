import { Failure } from "../../src/errors.ts";
import { parseChecksum } from "../../src/tools/checksum.ts";
import { type ToolName, toolSource } from "../../src/tools/sources.ts";
import type { Checksums } from "../../src/versions/catalog.ts";
import type { Client } from "./client.ts";
import { quote, type Remark } from "./report.ts";

/** A checksum that the catalog does not have yet. */
export interface Gap {
  readonly tool: ToolName;
  readonly version: string;
  readonly architecture: string;
}

/** A checksum that the catalog has. */
export interface Pinned extends Gap {
  readonly checksum: string;
}

/** What was found for a gap. */
export interface Finding extends Gap {
  /** SHA-256 in hex; undefined if none is published: that version does not exist for that processor. */
  readonly checksum: string | undefined;
  /** Where it is published. */
  readonly checksumUrl: string;
}

/** The processors that kind's node images are made for. */
export const ARCHITECTURES = ["amd64", "arm64"];

/** The checksums that the catalog lacks of a tool's version. */
export function findGaps(tool: ToolName, version: string, known: Checksums): readonly Gap[] {
  return ARCHITECTURES.filter((architecture) => known[platformOf(architecture)] === undefined).map((architecture) => ({
    tool,
    version,
    architecture,
  }));
}

/** The checksums that the catalog has of a tool's version. */
export function findPinned(tool: ToolName, version: string, known: Checksums): readonly Pinned[] {
  return ARCHITECTURES.flatMap((architecture) => {
    const checksum = known[platformOf(architecture)];
    return checksum === undefined ? [] : [{ tool, version, architecture, checksum }];
  });
}

/** The key of a checksum in the catalog: `linux-amd64`. */
export function platformOf(architecture: string): string {
  return `linux-${architecture}`;
}

/**
 * Reads a checksum where the tool's own project publishes it, and downloads the binary to check that it has that
 * checksum: one that was only copied proves nothing.
 * @param base replaces the project's download host.
 * @throws Failure if the answer is not a checksum, or not that of the binary.
 */
export async function verifyChecksum(client: Client, gap: Gap, base: string | undefined): Promise<Finding> {
  const { url, checksumUrl } = toolSource(gap.tool, gap.version, gap.architecture, base);
  const text = await client.findText(checksumUrl);
  if (text === undefined) return { ...gap, checksum: undefined, checksumUrl };
  const file = url.slice(url.lastIndexOf("/") + 1);
  const published = parseChecksum(text, file);
  if (published === undefined) {
    throw new Failure(`${checksumUrl} is not a checksum file of ${file}.`, {
      fix: "open that address on this machine: a proxy or a sign-in page may answer in its place",
    });
  }
  const actual = await client.readHash(url);
  if (actual === published) return { ...gap, checksum: actual, checksumUrl };
  throw new Failure(`${url} has the SHA-256 ${actual}, but ${checksumUrl} says ${published}.`, {
    fix: "run the update again later; if the two still differ, ask that project which is right",
  });
}

/**
 * Compares a checksum that the catalog has with what the tool's own project publishes now. The catalog keeps its own in
 * any case: a difference needs a review.
 * @param base replaces the project's download host.
 * @throws Failure if the project's host does not answer.
 */
export async function comparePinned(
  client: Client,
  pinned: Pinned,
  base: string | undefined,
): Promise<Remark | undefined> {
  const { tool, version, architecture, checksum } = pinned;
  const { url, checksumUrl } = toolSource(tool, version, architecture, base);
  const text = await client.findText(checksumUrl);
  const published = text === undefined ? undefined : parseChecksum(text, url.slice(url.lastIndexOf("/") + 1));
  if (published === checksum) return undefined;
  const found = published === undefined ? "is not a checksum file" : `says ${quote(published)}`;
  return {
    needsReview: true,
    text: `${tool} ${version} for linux/${architecture}: the catalog has ${quote(checksum)} and keeps it, but ${quote(checksumUrl)} ${text === undefined ? "does not exist" : found}`,
  };
}
