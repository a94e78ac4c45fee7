import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";

/**
 * Serves a folder under the paths of the official download hosts. It runs in a process of its own:
 * `node mirror-server.ts <folder> <port>`.
 */
const [folder, port] = process.argv.slice(2);
if (folder === undefined || port === undefined) throw new Error("usage: mirror-server.ts <folder> <port>");

const server = createServer(async (request, response) => {
  // A path that leads out of the folder is normalised to one that does not.
  const path = normalize(new URL(request.url ?? "/", "http://mirror").pathname);
  if (path === "/") {
    response.end("the test environment's mirror\n");
    return;
  }
  const file = join(folder, path);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile() || (request.method !== "GET" && request.method !== "HEAD")) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": found.size });
  if (request.method === "HEAD") response.end();
  else
    createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
});
server.listen(Number(port), "127.0.0.1");
