import { array, minLength, nullish, number, object, optional, pipe, record, string } from "valibot";
import type { Problem } from "../errors.ts";
import type { ImageSource } from "../values/image-sources.ts";
import { imageReference, wholeName } from "../values/images.ts";
import { type Issue, type Parsed, toProblem } from "../values/issue.ts";
import { tryJson } from "../values/json.ts";
import type { Folders } from "../values/paths.ts";
import { printable } from "../values/text.ts";
import { checkFile } from "./access.ts";
import type { Inputs } from "./inputs.ts";
import { readTarEntries, TarError } from "./tar-entries.ts";

const INPUT = "load-images";

const ALLOWED = "an archive of docker save, or one in OCI layout, of images with names";

/** The largest description in an archive that is read. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What an archive says of its images: Docker's own form, and the form of the Open Container Initiative. */
const DOCKER_MANIFEST = pipe(array(object({ Config: string(), RepoTags: nullish(array(string())) })), minLength(1));
const OCI_INDEX = object({
  schemaVersion: number(),
  manifests: pipe(array(object({ digest: string(), annotations: optional(record(string(), string())) })), minLength(1)),
});

/** The files of an archive that say what is in it. */
export interface ArchiveDescription {
  /** `manifest.json`. */
  readonly manifest: string | undefined;
  /** `index.json`, where there is an `oci-layout` too. */
  readonly index: string | undefined;
}

/** The names of the images in an archive, or what is wrong with it. Of its layers nothing is read. */
export async function readImageArchive(path: string): Promise<Parsed<readonly string[]>> {
  try {
    return readImageNames(await describeArchive(path));
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    return { issue: notAnArchive(error.message) };
  }
}

async function describeArchive(path: string): Promise<ArchiveDescription> {
  const found = new Map<string, string>();
  for await (const { name, read } of readTarEntries(path)) {
    if (!["manifest.json", "index.json", "oci-layout"].includes(name)) continue;
    found.set(name, (await read(MAX_BYTES))?.toString() ?? "");
  }
  return { manifest: found.get("manifest.json"), index: found.has("oci-layout") ? found.get("index.json") : undefined };
}

/** The names that containerd gives the images of an archive; where both forms are there, it reads OCI's. */
export function readImageNames({ manifest, index }: ArchiveDescription): Parsed<readonly string[]> {
  const names = index === undefined ? readDockerNames(manifest) : readOciNames(index);
  if (names === undefined) return { issue: notAnArchive("is not an archive of images") };
  if (names.includes(undefined)) {
    return {
      issue: {
        reason: "has an image without a name, which no pod could use",
        allowed: ALLOWED,
        fix: "write it by name: docker save name:tag, not by its ID; docker buildx build --tag=name:tag --output=type=docker,dest=...",
      },
    };
  }
  const unique = [...new Set(names.filter((name) => name !== undefined))];
  // containerd completes the names of Docker's form, and takes those of OCI's as they are.
  const wrong = unique.find(
    (name) => "issue" in imageReference(name) || (index !== undefined && wholeName(name) !== name),
  );
  if (wrong === undefined) return { value: unique };
  const whole = wholeName(wrong);
  return {
    issue: {
      reason: `has an image that no pod could use under its name: ${printable(wrong)}`,
      allowed: ALLOWED,
      fix: `write the archive with ${"value" in imageReference(whole) ? `the whole name, ${whole}` : "name:tag"}`,
    },
  };
}

function readDockerNames(manifest: string | undefined): readonly (string | undefined)[] | undefined {
  const images = manifest === undefined ? undefined : tryJson(DOCKER_MANIFEST, manifest);
  return images?.flatMap(({ RepoTags }) => (RepoTags?.length ? RepoTags : [undefined]));
}

/**
 * As containerd finds them (pkg/transfer/image and images/archive): the annotation with the whole name, else the
 * reference's, which may be a tag alone.
 */
function readOciNames(index: string): readonly (string | undefined)[] | undefined {
  return tryJson(OCI_INDEX, index)?.manifests.map(({ annotations = {} }) => {
    const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
    return name !== undefined && /[/:@]/.test(name) ? name : undefined;
  });
}

function notAnArchive(reason: string): Issue {
  return { reason, allowed: ALLOWED, fix: "write it with docker save --output=images.tar name:tag in an earlier step" };
}

/** An archive of images. */
export interface ImageArchive {
  readonly path: string;
  /** The names of the images in it. */
  readonly images: readonly string[];
}

/** Looks into the archives that `load-images` names, and reports what is wrong with them. */
export async function loadImageArchives({ loadImages }: Pick<Inputs, "loadImages">, folders: Folders) {
  const paths = new Set(loadImages.flatMap((source) => (source.kind === "archive" ? [source.path] : [])));
  const read = await Promise.all(
    [...paths].map(async (path) => ({ path, parsed: await loadImageArchive(path, folders) })),
  );
  const imageArchives = read.flatMap(({ path, parsed }) => ("value" in parsed ? [{ path, images: parsed.value }] : []));
  const problems = read.flatMap(({ path, parsed }) =>
    "issue" in parsed ? [toProblem(INPUT, path, parsed.issue)] : [],
  );
  return { imageArchives, problems: [...problems, ...checkNames(loadImages, imageArchives)] };
}

async function loadImageArchive(path: string, folders: Folders): Promise<Parsed<readonly string[]>> {
  const issue = await checkFile(path, folders);
  return issue === undefined ? await readImageArchive(path) : { issue };
}

/** Images of one name from two sources: on the nodes the last one loaded would win. */
export function checkNames(sources: readonly ImageSource[], archives: readonly ImageArchive[]): readonly Problem[] {
  const references = sources.flatMap((source) => (source.kind === "reference" ? [source.reference] : []));
  const seen = new Map(references.map((reference) => [wholeName(reference), "the job's Docker"]));
  return archives.flatMap(({ path, images }) =>
    images.flatMap((image) => {
      const other = seen.get(wholeName(image));
      seen.set(wholeName(image), path);
      if (other === undefined) return [];
      return [
        toProblem(INPUT, path, {
          reason: `has the image ${image}, which is to come from ${other} too`,
          allowed: "each image from one source",
          fix: "leave one of the two out",
        }),
      ];
    }),
  );
}
