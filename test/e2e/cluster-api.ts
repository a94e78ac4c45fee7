import { Agent, type RequestOptions, request } from "node:https";
import { createInterface } from "node:readline";
import { parse } from "yaml";
import { sh } from "./harness.ts";

/** An object of Kubernetes', as far as a test looks at it. */
export interface ApiObject {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly signerName?: string };
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A client of a cluster's API server with the rights of its admin. */
export interface ClusterApi {
  /** @returns the status and the body; 0 where the server does not answer. */
  send(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly text: string }>;
  /** Calls for each object that is added, until the server ends. @returns once the server has begun to tell. */
  watch(path: string, onAdded: (object: ApiObject) => void): Promise<void>;
  close(): void;
}

/** kubeadm's last kubeconfig is there: then the admin's are too, and from 1.29 on the one that needs no binding. */
const ADMIN = "cd /etc/kubernetes && [ -s scheduler.conf ] && { cat super-admin.conf 2>/dev/null || cat admin.conf; }";

/**
 * Opens the API server of a cluster that is being created, before the step itself does: its connections are kept, so that
 * it is sooner with what it does than a program that has to be started.
 */
export async function openClusterApi(cluster: string, signal: AbortSignal): Promise<ClusterApi> {
  const node = `${cluster}-control-plane`;
  const again = <T>(ask: () => Promise<T | undefined>) => until(ask, signal);
  const text = await again(
    async () => (await sh("docker", ["exec", node, "sh", "-c", ADMIN]).catch(() => "")) || undefined,
  );
  const port = await again(async () => /:(\d+)$/m.exec(await sh("docker", ["port", node, "6443/tcp"]))?.[1]);
  const { users, clusters } = parse(text);
  const decode = (base64: string) => Buffer.from(base64, "base64");
  const options = {
    host: "127.0.0.1",
    port: Number(port),
    ca: decode(clusters[0].cluster["certificate-authority-data"]),
    cert: decode(users[0].user["client-certificate-data"]),
    key: decode(users[0].user["client-key-data"]),
    agent: new Agent({ keepAlive: true }),
  };
  const api: ClusterApi = {
    send: (method, path, body) => send({ ...options, method, path }, body),
    watch: (path, onAdded) =>
      again(async () => (await follow({ ...options, path: `${path}?watch=true` }, onAdded)) || undefined).then(
        () => undefined,
      ),
    close: () => options.agent.destroy(),
  };
  return api;
}

/** Asks again until there is an answer. */
async function until<T>(ask: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

function send(options: RequestOptions, body: object | undefined) {
  return new Promise<{ readonly status: number; readonly text: string }>((resolve) => {
    const type = options.method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { "content-type": type };
    const asked = request({ ...options, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("close", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    asked.on("error", (error) => resolve({ status: 0, text: error.message }));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** @returns whether the server tells. */
function follow(options: RequestOptions, onAdded: (object: ApiObject) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(options, (response) => {
      resolve(response.statusCode === 200);
      response.on("error", () => undefined);
      // The interface has the errors of its input too.
      const lines = createInterface({ input: response }).on("error", () => undefined);
      lines.on("line", (line) => {
        const { type, object } = JSON.parse(line);
        if (type === "ADDED") onAdded(object);
      });
    });
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
