import semver from "semver";
import { object, pipe, regex, string } from "valibot";
import { Failure } from "../../src/errors.ts";
import { tryJson } from "../../src/values/json.ts";
import type { Client } from "./client.ts";
import type { Release } from "./releases.ts";
import { quote, type Remark } from "./report.ts";

/** Whose releases the image is made of. */
export const DISTRIBUTION = "distribution/distribution";

/** Docker Hub's answer about a tag; the digest is that of all platforms together. */
const tagSchema = object({ digest: pipe(string(), regex(/^sha256:[0-9a-f]{64}$/)) });

/** The release in a reference to Docker's official image, such as `registry:3.0.0@sha256:...`. */
export function parseRegistryVersion(image: string): string | undefined {
  return /^(?:docker\.io\/(?:library\/)?)?registry:(\d+\.\d+\.\d+)(?:@|$)/.exec(image)?.[1];
}

/** The newest release, if it is newer than the catalog's. */
export function findNewerRegistry(image: string, releases: readonly Pick<Release, "version">[]): string | undefined {
  const known = parseRegistryVersion(image);
  const [newest] = releases.map(({ version }) => version).toSorted(semver.rcompare);
  return known !== undefined && newest !== undefined && semver.gt(newest, known) ? newest : undefined;
}

/**
 * Compares the catalog's registry with the newest release and its image on Docker Hub. The catalog keeps its own, for a
 * person to replace: nothing but Docker Hub says what the image's digest is.
 * @param hub the base URL of Docker Hub's API.
 * @returns undefined if there is nothing newer, or no image of it yet.
 * @throws Failure if Docker Hub does not answer with a digest.
 */
export async function compareRegistry(
  client: Client,
  hub: string,
  image: string,
  releases: readonly Release[],
): Promise<Remark | undefined> {
  const newer = findNewerRegistry(image, releases);
  if (newer === undefined) return undefined;
  const url = `${hub}/v2/repositories/library/registry/tags/${newer}`;
  const text = await client.findText(url);
  if (text === undefined) return undefined;
  const tag = tryJson(tagSchema, text);
  if (tag === undefined) {
    throw new Failure(`${url} does not name the digest of an image.`, {
      fix: "open that address on this machine: a proxy or a sign-in page may answer in its place",
    });
  }
  const notes = `https://github.com/${DISTRIBUTION}/releases/tag/v${newer}`;
  const reference = quote(`registry:${newer}@${tag.digest}`);
  return {
    needsReview: true,
    text: `the registry beside a cluster: [${newer}](${notes}) is published, and Docker Hub has ${reference}; the catalog keeps ${quote(image)} until you replace it`,
  };
}
