import { Failure } from "../src/failure.ts";
import { parseChecksum, type ToolName, toolSource } from "../src/tools/sources.ts";
import type { Checksums } from "../src/versions/catalog.ts";
import type { Client } from "./client.ts";

/** A checksum that the catalogue does not have yet. */
export interface Gap {
  readonly tool: ToolName;
  readonly version: string;
  readonly architecture: string;
}

/** What was found for a gap. */
export interface Finding extends Gap {
  /** SHA-256 in hex; undefined where none is published: there is no such version for that processor. */
  readonly checksum: string | undefined;
  /** Where it was looked for. */
  readonly checksumUrl: string;
}

/** The processors that kind's node images are made for. */
export const ARCHITECTURES = ["amd64", "arm64"];

/** The checksums that the catalogue lacks of a tool's version. */
export function findGaps(tool: ToolName, version: string, known: Checksums): readonly Gap[] {
  return ARCHITECTURES.filter((architecture) => known[platformOf(architecture)] === undefined).map((architecture) => ({
    tool,
    version,
    architecture,
  }));
}

/** The key of a checksum in the catalogue: `linux-amd64`. */
export function platformOf(architecture: string): string {
  return `linux-${architecture}`;
}

/**
 * Reads a checksum where the tool's own project publishes it, and downloads the binary to see that it has that checksum:
 * one that was only copied proves nothing.
 * @param base stands in for the project's download host.
 * @throws Failure where the answer is no checksum, or not that of the binary.
 */
export async function verifyChecksum(client: Client, gap: Gap, base: string | undefined): Promise<Finding> {
  const { url, checksumUrl } = toolSource(gap.tool, gap.version, gap.architecture, base);
  const text = await client.findText(checksumUrl);
  if (text === undefined) return { ...gap, checksum: undefined, checksumUrl };
  const file = url.slice(url.lastIndexOf("/") + 1);
  const published = parseChecksum(text, file);
  if (published === undefined) throw new Failure(`${checksumUrl} is not a checksum file of ${file}.`);
  const actual = await client.readHash(url);
  if (actual === published) return { ...gap, checksum: actual, checksumUrl };
  throw new Failure(`${url} has the SHA-256 ${actual}, but ${checksumUrl} says ${published}.`, {
    cure: "take neither of them; where it stays so, ask that project which is right",
  });
}
