import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request to the service asks for. */
export type ArtifactCall = "CreateArtifact" | "upload" | "FinalizeArtifact";

type Answer = (response: ServerResponse) => void;

/** A fake of GitHub's artifact service (its client, @actions/artifact, is the contract) and of the storage behind it. */
export interface ArtifactService {
  readonly asked: readonly ArtifactCall[];
  /** The variables by which a runner names the service to a step. */
  readonly environment: Readonly<Record<string, string>>;
  close(): void;
}

/**
 * Starts a service on this machine's loopback.
 * @param answers what it does in place of what is documented.
 * @param lateMilliseconds how long it takes for each answer.
 */
export async function startArtifactService(
  answers: Readonly<Partial<Record<ArtifactCall, Answer>>> = {},
  lateMilliseconds = 0,
): Promise<ArtifactService> {
  const asked: ArtifactCall[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const call = callOf(request);
    asked.push(call);
    response.on("error", () => undefined);
    const answer = answers[call];
    if (answer !== undefined) return answer(response);
    // The client sends the rest while it waits.
    request.resume().on("end", () => setTimeout(documented, lateMilliseconds, call, base(), response));
  }).listen(0, "127.0.0.1", resolve);
  const base = () => {
    const { port }: AddressInfo = Object(server.address());
    return `http://127.0.0.1:${port}`;
  };
  await promise;
  // The client reads the run's and the job's identity from the token: a JWT with the scope that GitHub gives.
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "none" })}.${part({ scp: "Actions.Results:run:job" })}.`;
  return {
    asked,
    environment: { ACTIONS_RUNTIME_TOKEN: token, ACTIONS_RESULTS_URL: `${base()}/` },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function callOf({ url = "" }: IncomingMessage): ArtifactCall {
  if (url.endsWith("/CreateArtifact")) return "CreateArtifact";
  return url.endsWith("/FinalizeArtifact") ? "FinalizeArtifact" : "upload";
}

function documented(call: ArtifactCall, base: string, response: ServerResponse): void {
  const json = (value: object) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (call === "CreateArtifact") json({ ok: true, signed_upload_url: `${base}/container/artifact.zip?sig=signature` });
  else if (call === "FinalizeArtifact") json({ ok: true, artifact_id: "7" });
  else response.writeHead(201).end();
}
