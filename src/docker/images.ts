import { array, nullable, object, string, unknown } from "valibot";
import { CommandError, type Exec } from "../exec.ts";
import { readJson } from "../values/json.ts";
import { docker, isMissing, linesOf } from "./client.ts";
import { isPlatform } from "./platforms.ts";

/** Whether the engine has an image; if a platform is given, for that one. */
export async function hasImage(image: string, exec: Exec, platform?: string): Promise<boolean> {
  try {
    const found = await inspectImage(image, "{{.Os}}/{{.Architecture}}/{{.Variant}}", `looking for ${image}`, exec);
    return platform === undefined || isPlatform(found.trim(), platform);
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 1) return false;
    throw error;
  }
}

/** What the engine knows of an image. @param format as Docker's client takes it. */
async function inspectImage(image: string, format: string, purpose: string, exec: Exec): Promise<string> {
  const args = ["image", "inspect", `--format=${format}`, image];
  return (await docker(args, { timeoutSeconds: 60, purpose }, exec)).stdout;
}

/**
 * The reference of an image with the digest that a registry has it under: what a tag stands for may change there.
 * `undefined` if it has none, such as an image that was built here.
 * @param published the digests that a registry is known to have; `undefined` for an image that was just pulled.
 */
export async function findDigest(
  image: string,
  published: ReadonlySet<string> | undefined,
  exec: Exec,
): Promise<string | undefined> {
  const found = await inspectImage(image, "{{json .RepoDigests}}", `looking for the digest of ${image}`, exec);
  return selectDigest(image, readJson(nullable(array(string())), found) ?? [], published);
}

/**
 * Docker writes its own registry's names short, and has a digest for each repository that it knows the image from. With
 * containerd's image store an image that was built here has one too (docs.docker.com, "containerd image store").
 */
export function selectDigest(
  image: string,
  digests: readonly string[],
  published: ReadonlySet<string> | undefined,
): string | undefined {
  if (image.includes("@")) return image;
  const familiar = (name: string) => name.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");
  const repository = familiar(image.replace(/:[^:/]*$/, ""));
  const digest = digests
    .map((each) => each.split("@"))
    .filter(([name = ""]) => familiar(name) === repository)
    .map(([, found]) => found)
    .find((found) => found !== undefined && (published === undefined || published.has(found)));
  return digest === undefined ? undefined : `${image}@${digest}`;
}

/** The platform of an image, such as `linux/amd64`. */
export async function findPlatform(image: string, exec: Exec): Promise<string> {
  return (await inspectImage(image, "{{.Os}}/{{.Architecture}}", `looking at ${image}`, exec)).trim();
}

/** The names of the labels that an image gives its containers. */
export async function listLabelNames(image: string, exec: Exec): Promise<readonly string[]> {
  const found = await inspectImage(image, "{{json .Config.Labels}}", `looking at the labels of ${image}`, exec);
  return Object.keys(Object(readJson(unknown(), found)));
}

/** Whether an image sets a variable of the environment. */
export async function setsVariable(image: string, name: string, exec: Exec): Promise<boolean> {
  const found = await inspectImage(image, "{{range .Config.Env}}{{println .}}{{end}}", `looking at ${image}`, exec);
  return linesOf(found).some((line) => line.startsWith(`${name}=`));
}

/** The names of the variables that an image sets, and the user that its containers run as; empty for root. */
export async function readImageSettings(image: string, exec: Exec): Promise<ImageSettings> {
  const format = '{"variables":{{json .Config.Env}},"user":{{json .Config.User}}}';
  const found = readJson(SETTINGS, await inspectImage(image, format, `looking at ${image}`, exec));
  return { variables: (found.variables ?? []).map((line) => line.split("=")[0] ?? ""), user: found.user };
}

/** What an image says of its containers. */
export interface ImageSettings {
  readonly variables: readonly string[];
  readonly user: string;
}

const SETTINGS = object({ variables: nullable(array(string())), user: string() });

/** Removes images by their tags. The build cache keeps their layers. */
export async function removeImages(images: readonly string[], exec: Exec): Promise<void> {
  for (const image of images) {
    try {
      const options = { timeoutSeconds: 120, purpose: `removing ${image}` };
      await docker(["image", "rm", "--force", image], options, exec);
    } catch (error) {
      // A run that ended early has not built all of them.
      if (!isMissing("image", error)) throw error;
    }
  }
}
