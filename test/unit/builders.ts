import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { parseKindConfiguration, type UserConfiguration } from "../../src/cluster/config/read.ts";
import type { RunAdditions } from "../../src/cluster/config/render.ts";
import type { Problem } from "../../src/errors.ts";
import type { Host } from "../../src/host/inspect.ts";
import { type Inputs, readInputs } from "../../src/inputs/inputs.ts";
import type { TorchInputs } from "../../src/inputs/torch.ts";
import type { Parsed } from "../../src/values/issue.ts";
import type { ClusterNode } from "../../src/values/nodes.ts";
import type { Folders } from "../../src/values/paths.ts";
import type { Catalog } from "../../src/versions/catalog.ts";
import type { Versions } from "../../src/versions/resolve.ts";

/** Folders that exist on no machine, for what never touches the disk. */
export const FOLDERS: Folders = { workspace: "/ws", temp: "/tmp/runner" };

/** The inputs of a workflow that writes only `uses:`, with some said otherwise. */
export function createInputs(overrides: Partial<Inputs> = {}): Inputs {
  const { inputs, problems } = readInputs({}, FOLDERS);
  assert.deepEqual(problems, []);
  return { ...inputs, ...overrides };
}

/** The inputs of a boot of TORCH-V2, as a workflow writes them. */
export function createTorchInputs(texts: Readonly<Record<string, string>>): TorchInputs {
  const { inputs, problems } = readInputs(environmentOf(texts), FOLDERS);
  assert.deepEqual(problems, []);
  assert.ok(inputs.torch);
  return inputs.torch;
}

/** The environment in which the runner passes inputs. */
export function environmentOf(inputs: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
}

/** Digests that differ in their first letters. */
export function digest(start: string): string {
  return `sha256:${start.padEnd(64, "0")}`;
}

/** A small catalog: two kind releases that share a minor, and one kubectl with a verified sum. */
export const CATALOG: Catalog = {
  kind: [
    {
      version: "0.30.0",
      loadBalancer: "kindest/haproxy:new",
      images: [
        { kubernetes: "1.34.0", image: `kindest/node:v1.34.0@${digest("a1")}` },
        { kubernetes: "1.31.12", image: `kindest/node:v1.31.12@${digest("a2")}` },
      ],
      checksums: { "linux-amd64": "c".repeat(64) },
    },
    {
      version: "0.25.0",
      images: [
        { kubernetes: "1.31.2", image: `kindest/node:v1.31.2@${digest("b1")}` },
        { kubernetes: "1.28.9", image: `kindest/node:v1.28.9@${digest("b2")}` },
        { kubernetes: "1.28.15", image: `kindest/node:v1.28.15@${digest("b3")}` },
        { kubernetes: "1.27.16", image: `kindest/node:v1.27.16@${digest("b4")}` },
      ],
      checksums: {},
    },
  ],
  kubectl: [{ version: "1.29.7", checksums: {} }],
};

/** Versions that fit each other. */
export const VERSIONS: Versions = {
  kubernetes: "1.28.15",
  kind: "0.25.0",
  kubectl: "1.28.15",
  nodeImage: "kindest/node:v1.28.15",
  loadBalancerImage: undefined,
  reasons: { kubernetes: "", kind: "", kubectl: "" },
  warnings: [],
};

/** A machine on which everything is in order. */
export function createSurvey(overrides: Partial<Host> = {}): Host {
  return {
    platform: "linux",
    nodeArchitecture: "x64",
    architecture: "amd64",
    engine: {
      version: "29.0.0",
      cgroupVersion: 2,
      dataRoot: "/var/lib/docker",
      imageStore: undefined,
      clientVersion: "29.0.0",
    },
    site: { kind: "this-machine" },
    containers: [],
    names: [],
    kindGateway: undefined,
    defaultGateway: "172.17.0.1",
    subnets: [{ network: "bridge", subnet: "172.17.0.0/16" }],
    limits: { "fs.inotify.max_user_watches": 8192, "fs.inotify.max_user_instances": 128 },
    disks: { images: { folder: "/var/lib/docker", bytes: 50 * 1024 ** 3 }, volumes: undefined },
    ...overrides,
  };
}

export const HEADER = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

/** What a run adds to a configuration at least: the mount that proves its nodes. */
export const ADDITIONS: RunAdditions = {
  mounts: [{ hostPath: "/run/owner", containerPath: "/kind-torch/owner" }],
  setsResolvConf: false,
  setsRegistryHosts: false,
  defaults: [],
  enginePath: (path) => path,
};

/** A kind configuration that must be readable: kind's two header lines and this body. */
export function configure(body: string): UserConfiguration {
  const read = parseKindConfiguration(HEADER + body, "inline");
  assert.ok("configuration" in read, JSON.stringify(read));
  return read.configuration;
}

/** What is wrong with a kind configuration: kind's two header lines and this body. */
export function misconfigure(body: string): readonly Problem[] {
  const read = parseKindConfiguration(HEADER + body, "inline");
  return "problems" in read ? read.problems : [];
}

export function nodesOf(...nodes: readonly (readonly [string, ClusterNode["role"]])[]): readonly ClusterNode[] {
  return nodes.map(([name, role]) => ({ name, role }));
}

/** The value of what parsed; `undefined` where there is a issue. */
export function readValue<T>(parsed: Parsed<T>): T | undefined {
  return "value" in parsed ? parsed.value : undefined;
}

/** A real folder that goes away with the test. */
export async function makeFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-unit-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The one item of a list that must have exactly one. */
export function only<T>(items: readonly T[]): T {
  const [item] = items;
  assert.ok(item !== undefined && items.length === 1, `exactly one was expected: ${JSON.stringify(items)}`);
  return item;
}

/** A request to a server of a test's own, with its body. */
export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A real HTTP server on this machine that goes away with the test. @returns its address. */
export async function serve(
  context: TestContext,
  answer: (request: Received, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
    const { method = "", url = "", headers } = incoming;
    answer({ method, path: url, headers, body: Buffer.concat(chunks).toString("latin1") }, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

/** An address on this machine at which nothing listens. */
export async function refusingAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${address.port}`;
}

/** The error that work fails with. */
export async function errorOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => assert.fail("it succeeded"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error, String(error));
  return error;
}
