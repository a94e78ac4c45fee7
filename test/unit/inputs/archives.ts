import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Packs files into a real tar archive. @param options of tar's, such as its format. */
export async function packTar(
  file: string,
  files: Readonly<Record<string, string | object>>,
  ...options: readonly string[]
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-tar-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(
      join(folder, name),
      typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content),
    );
  }
  await execute("tar", [...options, "-C", folder, "-cf", file, ...(await readdir(folder))]);
  await rm(folder, { recursive: true });
}

/** The description of images as `docker save` writes it. */
export const dockerManifest = (...names: readonly (readonly string[] | null)[]) =>
  names.map((RepoTags) => ({ Config: "blobs/sha256/1", RepoTags, Layers: [] }));

/** The files of an archive in OCI layout, with these annotations of its images. */
export const ociLayout = (...annotations: readonly (Readonly<Record<string, string>> | undefined)[]) => ({
  "oci-layout": { imageLayoutVersion: "1.0.0" },
  "index.json": {
    schemaVersion: 2,
    manifests: annotations.map((each) => ({ mediaType: "m", size: 1, digest: "sha256:1", annotations: each })),
  },
});
