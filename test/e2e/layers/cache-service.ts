import { createHmac, randomUUID } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { sendBlob, takeBlob } from "./blobs.ts";
import { readToken, type Scope, signToken } from "./runtime-token.ts";

/** How the stand-in behaves. `down` is nothing of it: nothing listens there. */
export type Behaviour =
  | "serving"
  /** Answers nothing, ever. */
  | "stalled"
  /** Finds entries, and answers nothing when their content is asked for. */
  | "stalled-content"
  /** Finds entries and takes none: the upload is never answered. */
  | "stalled-upload"
  /** As before, with entries that are indexes served. */
  | "stalled-layers"
  | "unavailable"
  | "unavailable-content"
  | "unavailable-layers"
  /** Has indexes whose layers were evicted. */
  | "evicted-layers"
  /** The repository's storage quota is used up. */
  | "full"
  /** Too many requests. */
  | "limited";

interface Entry {
  readonly scope: string;
  readonly key: string;
  readonly file: string;
  finished: boolean;
}

/** A call of twirp. */
interface Call {
  readonly method: string;
  readonly scopes: readonly Scope[];
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * A stand-in of GitHub's cache service of the second version, made from the contract that the toolkit's client and
 * BuildKit's client state: twirp calls with a runtime token, signed URLs, and Azure's protocol for block blobs. As GitHub's,
 * it reads from every scope of a token, the first that has the key, and writes to the one that the token may write to.
 */
export class CacheService {
  behaviour: Behaviour = "serving";
  /** The calls that were made, `CreateCacheEntry buildkit-blob-...`. */
  readonly calls: string[] = [];
  readonly #folder: string;
  readonly #secret = randomUUID();
  readonly #entries: Entry[] = [];
  readonly #server: Server;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : undefined);
      });
    });
  }

  static async start(folder: string): Promise<CacheService> {
    await mkdir(folder, { recursive: true });
    const service = new CacheService(folder);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#server)}/`;
  }

  /** The variables that the runner gives to an action's step. */
  environmentFor(scopes: readonly Scope[]): Readonly<Record<string, string>> {
    return {
      ACTIONS_RUNTIME_TOKEN: this.token(scopes),
      ACTIONS_RESULTS_URL: this.url,
      ACTIONS_CACHE_SERVICE_V2: "True",
    };
  }

  token(scopes: readonly Scope[]): string {
    return signToken(scopes, this.#secret);
  }

  /** The keys of a scope that are complete. */
  keysOf(scope: string): readonly string[] {
    return this.#entries.filter((entry) => entry.scope === scope && entry.finished).map(({ key }) => key);
  }

  /** Every complete entry's content, by its key. */
  async *contents(): AsyncGenerator<readonly [key: string, content: Buffer]> {
    for (const { key, file, finished } of this.#entries) if (finished) yield [key, await readFile(file)];
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.url);
    if (this.behaviour === "stalled") return;
    if (this.behaviour === "unavailable") return send(response, 503, { code: "unavailable", msg: "try again later" });
    if (url.pathname.startsWith("/blobs/")) return await this.#answerBlob(request, response, url);
    const method = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(url.pathname)?.[1];
    const scopes = readToken(request.headers.authorization ?? "", this.#secret);
    if (method === undefined) return send(response, 404, { code: "bad_route", msg: "no handler" });
    if (scopes === undefined) return send(response, 401, { code: "unauthenticated", msg: "the token is not valid" });
    const [status, body] = this.#call({ method, scopes, body: JSON.parse(await text(request)) });
    send(response, status, body);
  }

  /** @returns the status and the body of the answer to a call. */
  #call({ method, scopes, body }: Call): readonly [number, object] {
    const key = String(body.key);
    this.calls.push(`${method} ${key}`);
    if (this.behaviour === "limited") return [429, { code: "resource_exhausted", msg: "rate limited" }];
    if (method === "GetCacheEntryDownloadURL") {
      const keys = [key, ...(Array.isArray(body.restore_keys) ? body.restore_keys.map(String) : [])];
      const found = scopes.map(({ scope }) => this.#find(scope, keys)).find((entry) => entry !== undefined);
      const evicted = this.behaviour === "evicted-layers" && isLayer(found);
      if (found === undefined || evicted) return [200, { ok: false }];
      return [200, { ok: true, signed_download_url: this.#sign(found, "r"), matched_key: found.key }];
    }
    const scope = scopes.find(({ write }) => write)?.scope;
    if (scope === undefined) return [200, { ok: false, message: "cache write denied: the token has read access only" }];
    if (this.behaviour === "full") {
      return [429, { code: "resource_exhausted", msg: "insufficient usage to create a cache entry" }];
    }
    return method === "CreateCacheEntry" ? this.#create(scope, key) : this.#finish(scope, key);
  }

  #create(scope: string, key: string): readonly [number, object] {
    if (this.#entries.some((entry) => entry.scope === scope && entry.key === key)) {
      return [409, { code: "already_exists", msg: "cache entry already exists" }];
    }
    const entry = { scope, key, file: join(this.#folder, randomUUID()), finished: false };
    this.#entries.push(entry);
    return [200, { ok: true, signed_upload_url: this.#sign(entry, "w") }];
  }

  #finish(scope: string, key: string): readonly [number, object] {
    const index = this.#entries.findIndex((entry) => entry.scope === scope && entry.key === key);
    const entry = this.#entries[index];
    if (entry === undefined) return [404, { code: "not_found", msg: "no such entry" }];
    entry.finished = true;
    return [200, { ok: true, entry_id: String(index) }];
  }

  /** The entry with the first of these keys that one has: exactly, or else the newest that begins with it. */
  #find(scope: string, keys: readonly string[]): Entry | undefined {
    const own = this.#entries.filter((entry) => entry.scope === scope && entry.finished);
    for (const key of keys) {
      const found = own.find((entry) => entry.key === key) ?? own.findLast((entry) => entry.key.startsWith(key));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #sign({ file }: Entry, access: "r" | "w"): string {
    const name = basename(file);
    return `${this.url}blobs/${name}?sp=${access}&sig=${this.#signature(access, name)}`;
  }

  #signature(access: "r" | "w", name: string): string {
    return createHmac("sha256", this.#secret).update(`${access} ${name}`).digest("hex");
  }

  async #answerBlob(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const name = url.pathname.slice("/blobs/".length);
    const entry = this.#entries.find(({ file }) => file === join(this.#folder, name));
    const access = request.method === "PUT" ? "w" : "r";
    if (entry === undefined || url.searchParams.get("sig") !== this.#signature(access, name)) {
      return send(response, 403, { code: "AuthenticationFailed" });
    }
    const what = isLayer(entry) ? ["content", "layers"] : ["content"];
    if (what.some((each) => this.behaviour === `unavailable-${each}`))
      return send(response, 503, { code: "ServerBusy" });
    const stalls = access === "w" ? ["upload"] : what;
    if (stalls.some((each) => this.behaviour === `stalled-${each}`)) return;
    await (access === "r"
      ? sendBlob(request, response, entry.file)
      : takeBlob(request, response, { url, file: entry.file }));
  }
}

function isLayer(entry: Entry | undefined): boolean {
  return entry?.key.startsWith("buildkit-blob-") === true;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the cache service does not listen");
  return address.port;
}
