import { readFile } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { ports } from "../releases.ts";
import { type Answer, planAnswer } from "./names.ts";

/** Answers for the official hosts on 127.0.0.1:443, with what the test environment's registry and mirror have. */
export async function serveOfficialNames(certificates: string, upstream: string): Promise<Server> {
  const [cert, key] = await Promise.all(
    ["server.crt", "server.key"].map((name) => readFile(join(certificates, name), "utf8")),
  );
  const server = createServer({ cert, key }, (request, response) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    answer(
      planAnswer(host, request.url ?? "/", request.headers.authorization !== undefined),
      request,
      response,
      upstream,
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(443, "127.0.0.1", resolve);
  });
  return server;
}

function answer(planned: Answer, request: IncomingMessage, response: ServerResponse, upstream: string): void {
  switch (planned.kind) {
    case "absent":
      response.writeHead(404).end();
      return;
    case "redirect":
      response.writeHead(302, { location: planned.location }).end();
      return;
    case "unauthorized":
      response.writeHead(401, { "www-authenticate": planned.challenge, "content-length": 0 }).end();
      return;
    case "token":
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ token: "anonymous", access_token: "anonymous", expires_in: 300 }));
      return;
    case "forward":
      forward(request, response, { host: upstream, port: ports[planned.to], path: planned.path });
  }
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  to: { readonly host: string; readonly port: number; readonly path: string },
): void {
  const { authorization: _, host: __, ...headers } = request.headers;
  const sent = send({ ...to, method: request.method, headers }, (received) => {
    response.writeHead(received.statusCode ?? 502, received.headers);
    received.pipe(response);
    received.on("error", () => response.destroy());
  });
  sent.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  request.pipe(sent);
}
