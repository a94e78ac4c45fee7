import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { StepFolders, StepRequest, StepResult } from "../../scripts/local/runner.ts";
import type { ActionRun } from "./harness.ts";

export type Answer = (response: ServerResponse) => void;

const VERSIONS = { kind: "0.25.0", kubectl: "1.31.2" } as const;
const ARCHITECTURE = process.arch === "arm64" ? "arm64" : "amd64";

/** What a mirror serves as kind and as kubectl: install-only runs neither. */
export const TOOL = Buffer.from("#!/bin/sh\necho a tool\n".repeat(5000));
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

export const send =
  (body: Buffer | string, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

/** What a mirror does with kind's address, one answer after the other and the last one again and again; kubectl's is served. */
export interface MirrorOptions {
  readonly kind: readonly Answer[];
  /** kind's checksum file, in a catalog without checksums. */
  readonly checksum?: Answer;
  /** The files of the certificate with which it serves https. */
  readonly certificate?: { readonly key: Buffer; readonly cert: Buffer };
}

/** What is different in a step. */
export type MirrorStep = Partial<Omit<StepRequest, "folders">> & { readonly folders?: Partial<StepFolders> };

/** A mirror of kind and kubectl on this machine's loopback. */
export interface Mirror {
  readonly base: string;
  /** When kind was asked for, in milliseconds. */
  readonly asked: readonly number[];
  /** Runs main with install-only, with the mirror and, unless others are given, the run's folders and an empty tool cache. */
  install(run: ActionRun, options?: MirrorStep): Promise<StepResult>;
  /** The same with a catalog without checksums. */
  installUnverified(run: ActionRun): Promise<StepResult>;
  close(): void;
}

/** The inputs of a step that only installs kind and kubectl, where the harness sets those of a cluster. */
export const INSTALL_ONLY: Readonly<Record<string, string>> = {
  "install-only": "true",
  "cluster-name": "",
  workers: "",
  artifact: "",
  "internet-probe": "",
};

export async function startMirror({ kind, checksum, certificate }: MirrorOptions): Promise<Mirror> {
  const asked: number[] = [];
  const listener: RequestListener = (request, response) => {
    const url = request.url ?? "";
    // A client that goes away is what some faults are about.
    response.on("error", () => undefined);
    if (url.endsWith(".sha256sum")) return (checksum ?? send(sha256(TOOL)))(response);
    if (!url.includes("/kind-linux-")) return send(url.endsWith(".sha256") ? sha256(TOOL) : TOOL)(response);
    asked.push(performance.now());
    (kind[asked.length - 1] ?? kind.at(-1) ?? send("no", 404))(response);
  };
  const server: Server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: AddressInfo = Object(server.address());
  const base = `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const run = async (step: ActionRun, sums: Readonly<Record<string, string>>, options: MirrorStep = {}) => {
    const catalog = await writeCatalog(step.folders.workspace, sums);
    const folders = { ...step.folders, toolCache: join(step.folders.temp, "tool-cache"), ...options.folders };
    const inputs = { ...INSTALL_ONLY, catalog, "kind-mirror": base, "kubectl-mirror": base, ...options.inputs };
    return await step.main({ ...options, folders, inputs });
  };
  return {
    base,
    asked,
    install: (step, options) => run(step, { [`linux-${ARCHITECTURE}`]: sha256(TOOL) }, options),
    installUnverified: (step) => run(step, {}),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function writeCatalog(folder: string, checksums: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, "catalog.json");
  const images = [{ kubernetes: VERSIONS.kubectl, image: `kindest/node:v${VERSIONS.kubectl}` }];
  const kind = [{ version: VERSIONS.kind, released: "2024-11-06", images, checksums }];
  await writeFile(path, JSON.stringify({ kind, kubectl: [{ version: VERSIONS.kubectl, checksums }] }));
  return path;
}
