import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Image } from "./image.ts";
import { registryAddress } from "./machine.ts";

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** Pushes an image to the loopback registry, except for what it has already. @returns the image's digest. */
export async function pushImage(image: Image, repository: string, tag: string): Promise<string> {
  for (const layer of image.layers) {
    await pushBlob(repository, layer.digest, layer.size, () => createReadStream(layer.file));
  }
  const config = Buffer.from(image.config);
  await pushBlob(repository, hash(config), config.length, () => Readable.from([config]));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      size: config.length,
      digest: `sha256:${hash(config)}`,
    },
    layers: image.layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar",
      size,
      digest: `sha256:${digest}`,
    })),
  });
  await expectStatus(201, `${registryAddress}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": manifestType },
    body: manifest,
  });
  return `sha256:${hash(Buffer.from(manifest))}`;
}

async function pushBlob(repository: string, digest: string, size: number, open: () => Readable): Promise<void> {
  const present = await fetch(`${registryAddress}/v2/${repository}/blobs/sha256:${digest}`, { method: "HEAD" });
  if (present.ok) return;
  const begun = await expectStatus(202, `${registryAddress}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", registryAddress);
  place.searchParams.set("digest", `sha256:${digest}`);
  // fetch() would send a stream without its length, which the registry needs for an upload in one piece.
  const upload = request(place, { method: "PUT", headers: { "content-length": size } });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    upload.once("error", reject);
    upload.once("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
  await pipeline(open(), upload);
  const status = await answered;
  if (status !== 201) throw new Error(`the registry answered ${status} to layer ${digest} of ${repository}`);
}

async function expectStatus(status: number, url: string, request: RequestInit): Promise<Response> {
  const response = await fetch(url, request);
  if (response.status !== status) {
    throw new Error(`the registry answered ${response.status} to ${request.method} ${url}: ${await response.text()}`);
  }
  return response;
}

function hash(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
