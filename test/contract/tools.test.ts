import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runStep } from "../../local/runner.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { makePlace } from "./refusal.ts";

const VERSIONS = { kind: "0.25.0", kubectl: "1.28.15" } as const;

/** A machine that an earlier job has prepared: tools in the tool cache that write down that they ran. */
async function prepare(context: TestContext, record: ((binary: string, url: string) => string) | undefined) {
  const { probeImage } = await prepareMachine();
  const place = await makePlace();
  context.after(() => rm(place.root, { recursive: true }));
  const ran = join(place.root, "ran");
  const binary = `#!/bin/sh\necho "$0 $*" >> '${ran}'\nexit 1\n`;
  const mirror = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
  context.after(() => mirror.close());
  const address = mirror.address();
  assert.ok(typeof address === "object" && address !== null);
  const base = `http://127.0.0.1:${address.port}`;
  const urls = {
    kind: `${base}/v${VERSIONS.kind}/kind-linux-${process.arch === "arm64" ? "arm64" : "amd64"}`,
    kubectl: `${base}/v${VERSIONS.kubectl}/bin/linux/${process.arch === "arm64" ? "arm64" : "amd64"}/kubectl`,
  };
  for (const tool of ["kind", "kubectl"] as const) {
    const folder = join(place.folders.toolCache, tool, VERSIONS[tool], process.arch);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, tool), binary, { mode: 0o755 });
    await writeFile(`${folder}.complete`, "");
    if (record !== undefined) await writeFile(join(folder, `${tool}.record.json`), record(binary, urls[tool]));
  }
  const images = [{ kubernetes: "1.28.15", image: probeImage }];
  const entry = { version: VERSIONS.kind, released: "2024-11-06", images, checksums: {} };
  const kubectl = [{ version: VERSIONS.kubectl, checksums: {} }];
  await writeFile(join(place.folders.workspace, "catalog.json"), JSON.stringify({ kind: [entry], kubectl }));
  const inputs = {
    catalog: "catalog.json",
    "kind-mirror": base,
    "kubectl-mirror": base,
    "cluster-name": `tools-${randomUUID().slice(0, 8)}`,
    workers: "0",
    attempts: "1",
    artifact: "false",
    logs: "never",
  };
  const main = await runStep({ entry: "main", folders: place.folders, inputs, state: {} });
  await runStep({ entry: "post", folders: place.folders, inputs, state: main.state });
  return { main, ran };
}

/** The built bundle, on a tool cache that an earlier job could write, with a catalog that has no checksums. */
describe("tools in the tool cache", () => {
  it("that nobody has a checksum of do not run", async (context) => {
    const { main, ran } = await prepare(context, undefined);
    assert.equal(main.exitCode, 1);
    assert.match(main.log.join("\n"), /is downloaded again/);
    assert.match(main.log.join("\n"), /::error::Downloading (kind|kubectl).* failed: Unexpected HTTP response: 404/);
    await assert.rejects(access(ran), "a tool from the cache ran");
  });

  it("that differ from their record do not run", async (context) => {
    const { main, ran } = await prepare(context, (_, url) => JSON.stringify({ sha256: "0".repeat(64), url }));
    assert.equal(main.exitCode, 1);
    assert.match(main.log.join("\n"), /is downloaded again/);
    await assert.rejects(access(ran), "a tool from the cache ran");
  });

  it("with a record of an http mirror run, are called not verified, and are warned about", async (context) => {
    const { main } = await prepare(context, (binary, url) =>
      JSON.stringify({ sha256: createHash("sha256").update(binary).digest("hex"), url }),
    );
    const log = main.log.join("\n");
    assert.match(log, /kind 0\.25\.0: from the tool cache, .*not verified: nothing vouches for it/);
    assert.match(log, /::warning::kind 0\.25\.0 is not verified/);
    assert.match(log, /::warning::kubectl 1\.28\.15 is not verified/);
  });
});
