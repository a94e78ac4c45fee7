import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { takeBlob } from "./layers/blobs.ts";

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
 * @param folder where it keeps what is uploaded, a file for each artifact; without it nothing is kept.
 */
export async function startArtifactService(
  answers: Readonly<Partial<Record<ArtifactCall, Answer>>> = {},
  lateMilliseconds = 0,
  folder?: string,
): Promise<ArtifactService> {
  const asked: ArtifactCall[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const call = callOf(request);
    asked.push(call);
    response.on("error", () => undefined);
    const answer = answers[call];
    if (answer !== undefined) return answer(response);
    if (call === "upload" && folder !== undefined) {
      const url = new URL(request.url ?? "", base());
      void takeBlob(request, response, { url, file: join(folder, basename(url.pathname)) });
      return;
    }
    // The client sends the rest while it waits.
    const name = `artifact-${asked.filter((each) => each === "CreateArtifact").length}`;
    const upload = `${base()}/container/${name}.zip?sig=${SIGNATURE}`;
    request.resume().on("end", () => setTimeout(documented, lateMilliseconds, call, upload, response));
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

/** What lets whoever has it write to the storage. */
export const SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1zdG9yYWdl";

function documented(call: ArtifactCall, upload: string, response: ServerResponse): void {
  const json = (value: object) =>
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (call === "CreateArtifact") json({ ok: true, signed_upload_url: upload });
  else if (call === "FinalizeArtifact") json({ ok: true, artifact_id: "7" });
  else response.writeHead(201).end();
}
