import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { statfsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

/**
 * A fake of a registry (OCI distribution specification) with one image, which fills a disk as soon as its layer is asked
 * for: `node full-disk-registry.ts PORT FOLDER`. It runs in the network namespace of the engine that pulls.
 */
const [port = "", folder = ""] = process.argv.slice(2);

const layer = randomBytes(16 * 1024 * 1024);
const digestOf = (data: Buffer) => `sha256:${createHash("sha256").update(data).digest("hex")}`;
const config = Buffer.from(
  JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  }),
);
const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      size: config.length,
      digest: digestOf(config),
    },
    layers: [
      {
        mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
        size: layer.length,
        digest: digestOf(layer),
      },
    ],
  }),
);

/** Leaves nothing of the disk's free space. */
function fillDisk(): void {
  const { bfree, bsize } = statfsSync(folder);
  if (bfree * bsize < 1024 * 1024) return;
  // What cannot be had at once is taken in smaller parts.
  for (let size = 1024 * 1024 * 1024, part = 0; size >= 64 * 1024; part += 1) {
    try {
      execFileSync("fallocate", ["--length", `${size}`, join(folder, `full-${size}-${part}`)], { stdio: "ignore" });
    } catch {
      size /= 2;
    }
  }
}

createServer((request, response) => {
  const url = request.url ?? "";
  const send = (body: Buffer, type: string) => {
    response.writeHead(200, {
      "content-type": type,
      "content-length": body.length,
      "docker-content-digest": digestOf(body),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  if (url.includes("/manifests/")) return send(manifest, MANIFEST_TYPE);
  if (url.endsWith(digestOf(config))) return send(config, "application/octet-stream");
  if (url.endsWith(digestOf(layer))) {
    fillDisk();
    return send(layer, "application/octet-stream");
  }
  response.writeHead(200).end();
}).listen(Number(port), "127.0.0.1");
