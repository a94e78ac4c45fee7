import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { appendFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

/** Takes a blob as Azure does: in one piece, or in blocks and at last their list. */
export async function takeBlob(
  request: IncomingMessage,
  response: ServerResponse,
  { url, file }: { readonly url: URL; readonly file: string },
): Promise<void> {
  const block = (id: string) => `${file}.${Buffer.from(id).toString("hex")}`;
  const what = url.searchParams.get("comp");
  if (what === "blocklist") {
    await writeFile(file, "");
    for (const [, id = ""] of (await text(request)).matchAll(/<(?:Latest|Uncommitted)>([^<]+)</g)) {
      await appendFile(file, await readFile(block(id)));
      await rm(block(id));
    }
  } else {
    const place = what === "block" ? block(url.searchParams.get("blockid") ?? "") : file;
    await pipeline(request, createWriteStream(place));
  }
  response.writeHead(201, { "x-ms-request-id": randomUUID(), etag: '"1"' }).end();
}

/** Sends a blob, or a range of it. */
export async function sendBlob(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
  const { size } = await stat(file);
  const range = request.headers["x-ms-range"] ?? request.headers.range;
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(String(range)) ?? [];
  const [start, end] = [Number(from), to === "" ? size - 1 : Math.min(Number(to), size - 1)];
  response.writeHead(range === undefined ? 200 : 206, {
    "content-length": end - start + 1,
    "content-range": `bytes ${start}-${end}/${size}`,
    "content-type": "application/octet-stream",
    "last-modified": new Date(0).toUTCString(),
    "x-ms-request-id": randomUUID(),
    "x-ms-blob-type": "BlockBlob",
    etag: '"1"',
  });
  if (request.method === "HEAD" || size === 0) response.end();
  else await pipeline(createReadStream(file, { start, end }), response);
}
