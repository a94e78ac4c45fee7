import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Failure } from "../../../src/errors.ts";
import { installTool, type ToolRequest } from "../../../src/tools/install.ts";
import { toolSource } from "../../../src/tools/sources.ts";
import { makeFolder } from "../builders.ts";

export type Answer = (response: ServerResponse) => void;
export const send =
  (body: Buffer | string, status = 200): Answer =>
  (response) =>
    response.writeHead(status).end(body);
export const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");
export const BINARY = Buffer.from("#!/bin/sh\necho real\n".repeat(100));
export const CHECKSUM = `${sha256(BINARY)}  kind-linux-amd64\n`;

/** A loopback origin. The answers for one path are given in order, the last one repeatedly. */
export async function serve(context: TestContext, binary: readonly Answer[], checksum: readonly Answer[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    const answers = url.endsWith(".sha256sum") ? checksum : binary;
    const answer = answers[asked.filter((item) => item === url).length] ?? answers.at(-1);
    asked.push(url);
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const folder = await makeFolder(context);
  const cache = join(folder, "cache");
  const run = join(folder, "run");
  await Promise.all([cache, run].map((path) => mkdir(path)));
  process.env.RUNNER_TOOL_CACHE = cache;
  const request: ToolRequest = {
    tool: "kind",
    version: "0.25.0",
    nodeArchitecture: "x64",
    source: toolSource("kind", "0.25.0", "amd64", `http://127.0.0.1:${address.port}`),
    checksum: undefined,
  };
  const lines: string[] = [];
  const debugLines: string[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    debug: (line: string) => void debugLines.push(line),
  };
  /** @param searchPath replaces the machine's `PATH`. */
  const install = (overrides: Partial<ToolRequest> = {}, searchPath = "") =>
    installTool({ ...request, ...overrides }, run, log, { retryDelays: [0, 0], searchPath });
  const place = join(cache, "kind", "0.25.0", "x64");
  /** Puts a binary into the cache as something else would, with or without a record. */
  const fill = async (binary: Buffer | string, record?: unknown) => {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "kind"), binary);
    if (record !== undefined) {
      await writeFile(join(place, "kind.record.json"), typeof record === "string" ? record : JSON.stringify(record));
    }
    await writeFile(`${place}.complete`, "");
  };
  return {
    install,
    asked,
    cache,
    run,
    place,
    fill,
    /** In the cache. */
    cached: join(place, "kind"),
    /** The run's own copy. */
    path: join(run, "bin", "kind"),
    lines,
    debugLines,
    request,
  };
}

export async function refusal(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(
    () => assert.fail("it was installed"),
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Failure, `${outcome}`);
  assert.notEqual(outcome.fix, undefined);
  return outcome;
}

export async function assertNothingInstalled({ cache, run }: { readonly cache: string; readonly run: string }) {
  const folders = [cache, join(run, "bin")];
  const left = (
    await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })))
  ).flat();
  assert.deepEqual(
    left.filter((entry) => entry.isFile()).map((entry) => entry.name),
    [],
  );
}
