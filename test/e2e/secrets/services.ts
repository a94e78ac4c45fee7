import { mkdir, readdir, readFile } from "node:fs/promises";
import { request as ask, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SIGNATURE, startArtifactService } from "../artifact-service.ts";
import { CacheService } from "../layers/cache-service.ts";
import type { Content } from "./unpack.ts";

/** The runner's services at one address, as a step knows them: stand-ins of the cache's and of the artifacts'. */
export interface RunnerServices {
  readonly environment: Readonly<Record<string, string>>;
  /** The runner's token, and what signs the addresses of the storage. */
  readonly token: string;
  readonly signature: string;
  /** All that is in the cache. */
  cached(): Promise<readonly Content[]>;
  /** The artifacts as they were uploaded. */
  artifacts(): Promise<readonly Content[]>;
  stop(): Promise<void>;
}

/** Starts them. @param folder where they keep what they get. */
export async function startRunnerServices(folder: string): Promise<RunnerServices> {
  const uploads = join(folder, "artifacts");
  await mkdir(uploads, { recursive: true });
  const cache = await CacheService.start(join(folder, "cache"));
  const artifacts = await startArtifactService({}, 0, uploads);
  const front = createServer((message, response) => {
    const base = message.url?.includes(".ArtifactService/") ? artifacts.environment.ACTIONS_RESULTS_URL : cache.url;
    const { method, headers } = message;
    const behind = ask(new URL(message.url ?? "", base), { method: method ?? "GET", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    message.pipe(behind.on("error", () => response.destroy()));
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const { port }: AddressInfo = Object(front.address());
  const environment: Readonly<Record<string, string>> = {
    ...cache.environmentFor([{ scope: "refs/heads/main", write: true }]),
    ACTIONS_RESULTS_URL: `http://127.0.0.1:${port}/`,
  };
  return {
    environment,
    token: environment.ACTIONS_RUNTIME_TOKEN ?? "",
    signature: SIGNATURE,
    async cached() {
      const entries: Content[] = [];
      for await (const [key, bytes] of cache.contents()) entries.push({ place: `the cache's ${key}`, bytes });
      return entries;
    },
    async artifacts() {
      const names = await readdir(uploads);
      return await Promise.all(
        names.map(async (name) => ({ place: `${name} as uploaded`, bytes: await readFile(join(uploads, name)) })),
      );
    },
    async stop() {
      front.closeAllConnections();
      front.close();
      artifacts.close();
      await cache.stop();
    },
  };
}
