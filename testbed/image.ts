import { createHash } from "node:crypto";
import { link, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readJson, sha256 } from "./cache.ts";
import { run } from "./command.ts";

export type Layer = { readonly file: string; readonly digest: string; readonly size: number };

export type ImageSettings = {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly StopSignal?: string;
  readonly User?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
};

export type Image = { readonly layers: readonly Layer[]; readonly config: string };

/** A fixed date, so that the same files give the same digest on every machine and every day. */
const created = "2024-01-01T00:00:00Z";
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Packs a folder into one layer file. It is not compressed: it is only sent over loopback. */
export async function packLayer(folder: string, file: string): Promise<void> {
  const same = ["--sort=name", `--mtime=${created}`, "--numeric-owner", "--xattrs", "--xattrs-include=*"];
  await run("tar", [...same, "-C", folder, "-cf", file, "."]);
  await writeFile(`${file}.json`, JSON.stringify({ digest: await sha256(file) }));
}

export async function readLayer(file: string): Promise<Layer> {
  const written = await readJson(`${file}.json`);
  if (typeof written !== "object" || written === null || !("digest" in written) || typeof written.digest !== "string") {
    throw new Error(`${file} has no digest next to it`);
  }
  return { file, digest: written.digest, size: (await stat(file)).size };
}

export function describeImage(layers: readonly Layer[], settings: ImageSettings): Image {
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created,
    config: { ...settings, Env: [searchPath, ...(settings.Env ?? [])] },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
    history: layers.map(() => ({ created, created_by: "the test bed" })),
  });
  return { layers, config };
}

/** What Docker and containerd call the image's ID. */
export function imageId({ config }: Image): string {
  return `sha256:${createHash("sha256").update(config).digest("hex")}`;
}

/** Writes images with their names as `docker load` and `ctr images import` read them; a shared layer is written once. */
export async function packImages(images: ReadonlyMap<string, Image>, scratch: string, file: string): Promise<void> {
  await mkdir(scratch, { recursive: true });
  const manifest: unknown[] = [];
  const names = new Set<string>();
  for (const [name, image] of images) {
    const config = `${imageId(image).slice("sha256:".length)}.json`;
    await writeFile(join(scratch, config), image.config);
    names.add(config);
    for (const { digest, file: layer } of image.layers) {
      if (!names.has(`${digest}.tar`)) await link(layer, join(scratch, `${digest}.tar`));
      names.add(`${digest}.tar`);
    }
    manifest.push({ Config: config, RepoTags: [name], Layers: image.layers.map(({ digest }) => `${digest}.tar`) });
  }
  await writeFile(join(scratch, "manifest.json"), JSON.stringify(manifest));
  await run("tar", ["-C", scratch, "-cf", file, "manifest.json", ...names]);
}

export async function readText(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trim();
}
