import { once } from "node:events";
import { createServer, type IncomingMessage, request as send } from "node:http";
import type { AddressInfo } from "node:net";

export interface ArtifactBridge {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A proxy before act's artifact server that works around two of its known defects, which stop every current client
 * (nektos/act#6114, fixed in its pull request #6115, not released yet): it refuses a request with an unknown field, and
 * an upload whose signature has lost its base64 padding in Azure's client. Everything else is passed on as it is. Once
 * act has a release with the fix, this file can be removed.
 */
export async function bridgeArtifacts(actPort: number): Promise<ArtifactBridge> {
  const server = createServer((request, response) => {
    forward(request, actPort).then(
      ({ status, type, body }) =>
        response.writeHead(status, type === undefined ? {} : { "content-type": type }).end(body),
      (error) => response.writeHead(502).end(String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server.address())}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A free port of the loopback address. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server.address());
  server.close();
  await once(server, "close");
  return port;
}

async function forward(request: IncomingMessage, port: number) {
  const path = padSignature(request.url ?? "/");
  const received = await read(request);
  const body = path.endsWith("/CreateArtifact") ? withoutMimeType(received) : received;
  const { "transfer-encoding": _, ...headers } = request.headers;
  const sent = send({
    host: "127.0.0.1",
    port,
    method: request.method,
    path,
    // The host stays the proxy's: act builds the address for the upload from it.
    headers: { ...headers, "content-length": body.length },
    timeout: 60_000,
  });
  sent.on("timeout", () => sent.destroy(new Error("act's artifact server did not answer")));
  sent.end(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve).once("error", reject);
  });
  return { status: answer.statusCode ?? 502, type: answer.headers["content-type"], body: await read(answer) };
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withoutMimeType(body: Buffer): Buffer {
  const { mime_type: _, ...known }: Record<string, unknown> = JSON.parse(body.toString());
  return Buffer.from(JSON.stringify(known));
}

function padSignature(path: string): string {
  return path.replace(/(?<=[?&]sig=)[^&]*/, (signature) => {
    const bare = signature.replace(/(=|%3D)+$/i, "");
    return bare.padEnd(Math.ceil(bare.length / 4) * 4, "=");
  });
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
