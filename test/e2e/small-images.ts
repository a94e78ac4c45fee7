import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sh } from "./harness.ts";

/** A program that waits, as a layer: the smallest image that a pod can run. */
export interface PauseLayer {
  /** A tar archive with `/pause`. */
  readonly file: string;
  remove(): Promise<void>;
}

export async function buildPause(): Promise<PauseLayer> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-pause-"));
  const source = join(folder, "pause.c");
  await writeFile(source, "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n");
  await sh("gcc", ["-Os", "-static", "-s", "-o", join(folder, "pause"), source]);
  const file = join(folder, "layer.tar");
  await sh("tar", ["-C", folder, "-cf", file, "pause"]);
  return { file, remove: () => rm(folder, { recursive: true }) };
}

/** Puts an image of that layer into Docker. */
export async function importImage({ file }: PauseLayer, name: string): Promise<void> {
  // Each has a configuration of its own, so that none is another one under a second name.
  await sh("docker", ["import", '--change=ENTRYPOINT ["/pause"]', `--change=ENV NAME=${name}`, file, name]);
}

/**
 * What Docker has in containerd's store after a pull: an index of two platforms with an attestation each, and the content
 * of its own platform alone (kubernetes-sigs/kind #3795).
 */
export async function writeIndex({ file }: PauseLayer, name: string, archive: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "kind-torch-index-"));
  await mkdir(join(root, "blobs/sha256"), { recursive: true });
  const put = async (content: Buffer | object) => {
    const [bytes, blob] = describe(content);
    await writeFile(join(root, "blobs/sha256", blob.digest.slice("sha256:".length)), bytes);
    return blob;
  };
  const leaveOut = async (content: object) => describe(content)[1];
  const layer = await put(await readFile(file));
  const statement = await put({ predicateType: "https://slsa.dev/provenance/v0.2" });
  const images: object[] = [];
  const attestations: object[] = [];
  const own = process.arch === "x64" ? "amd64" : process.arch;
  for (const architecture of ["riscv64", own]) {
    const config = { Entrypoint: ["/pause"] };
    const image = await manifest(architecture === own ? put : leaveOut, layer, {
      ...LAYER,
      architecture,
      os: "linux",
      config,
    });
    images.push({ ...image, platform: { architecture, os: "linux" } });
    const attestation = await manifest(architecture === own ? put : leaveOut, statement, {
      ...STATEMENT,
      architecture: "unknown",
      os: "unknown",
    });
    const annotations = {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": image.digest,
    };
    attestations.push({ ...attestation, annotations, platform: { architecture: "unknown", os: "unknown" } });
  }
  const index = await put({ schemaVersion: 2, mediaType: INDEX, manifests: [...images, ...attestations] });
  const annotations = { "io.containerd.image.name": name };
  await writeFile(
    join(root, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: INDEX, ...index, annotations }] }),
  );
  await writeFile(join(root, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await sh("tar", ["-C", root, "-cf", archive, "oci-layout", "index.json", "blobs"]);
  await rm(root, { recursive: true });
}

const OCI = "application/vnd.oci.image";
const INDEX = `${OCI}.index.v1+json`;
const LAYER = { mediaType: `${OCI}.layer.v1.tar` };
const STATEMENT = { mediaType: "application/vnd.in-toto+json" };

type Blob = { readonly digest: string; readonly size: number };

function describe(content: Buffer | object): readonly [bytes: Buffer, blob: Blob] {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const hash = createHash("sha256").update(bytes).digest("hex");
  return [bytes, { digest: `sha256:${hash}`, size: bytes.length }];
}

/** A manifest of one layer, with its configuration. */
async function manifest(
  put: (content: object) => Promise<Blob>,
  layer: Blob,
  { mediaType, ...image }: { readonly mediaType: string; readonly [field: string]: unknown },
) {
  const rootfs = { type: "layers", diff_ids: [layer.digest] };
  const config = { mediaType: `${OCI}.config.v1+json`, ...(await put({ ...image, rootfs })) };
  const content = { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers: [{ mediaType, ...layer }] };
  return { mediaType: content.mediaType, ...(await put(content)) };
}
