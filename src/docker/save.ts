import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { docker } from "./client.ts";
import type { DockerEngine } from "./engine.ts";

/** The first release of engine and client that saves one platform of an image (Docker Engine API 1.48). */
const FIRST_WITH_PLATFORM = 28;

/**
 * The platform to name when images are saved; `undefined` where there is no choice, or none can be named. With containerd's
 * image store an image may have several platforms, and attestations, of which a node needs its own alone.
 */
export function planPlatform(
  { version, clientVersion, imageStore }: Pick<DockerEngine, "version" | "clientVersion" | "imageStore">,
  architecture: string,
): string | undefined {
  const known = [version, clientVersion].every((each) => Number.parseInt(each, 10) >= FIRST_WITH_PLATFORM);
  return known && imageStore !== undefined ? `linux/${architecture}` : undefined;
}

/** Arguments that save images with their names as one archive: a layer that they share is in it once. */
export function saveArgs(images: readonly string[], file: string, platform: string | undefined): readonly string[] {
  const option = platform === undefined ? [] : [`--platform=${platform}`];
  return ["save", `--output=${file}`, ...option, ...images];
}

/** Saves images that the engine has. @throws Failure with Docker's own words. */
export async function saveImages(
  images: readonly string[],
  file: string,
  platform: string | undefined,
  exec: Exec,
): Promise<void> {
  const options = { timeoutSeconds: 1200, purpose: `saving ${images.join(", ")}` };
  try {
    await docker(saveArgs(images, file, platform), options, exec);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Failure(error.message, { fix: fixOf(error.stderr, platform), cause: error, retryable: false });
  }
}

function fixOf(words: string, platform: string | undefined): string {
  if (/no space left|quota exceeded/i.test(words)) {
    return "free disk space in an earlier step: the images need their size once more in the runner's temporary folder";
  }
  return platform !== undefined && words.includes("platform")
    ? `build or pull the image for ${platform}`
    : "build or pull the image again: what Docker has of it is not complete";
}
