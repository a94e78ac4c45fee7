import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runStep } from "../../scripts/local/runner.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { makePlace } from "./refusal.ts";

const VERSIONS = { kind: "0.25.0", kubectl: "1.28.15" } as const;
const TOOLS = ["kind", "kubectl"] as const;
const ARCHITECTURE = process.arch === "arm64" ? "arm64" : "amd64";
const PATHS = {
  kind: `/v${VERSIONS.kind}/kind-linux-${ARCHITECTURE}`,
  kubectl: `/v${VERSIONS.kubectl}/bin/linux/${ARCHITECTURE}/kubectl`,
};

const sha256 = (data: string) => createHash("sha256").update(data).digest("hex");

/** A step on a machine with a mirror that serves these files. */
async function prepareStep(context: TestContext, files: Readonly<Record<string, string>> = {}) {
  const { probeImage } = await prepareMachine();
  const place = await makePlace();
  context.after(() => rm(place.root, { recursive: true }));
  const asked: string[] = [];
  const mirror = createServer((request, response) => {
    const { url = "" } = request;
    asked.push(url);
    const file = files[url];
    if (file === undefined) response.writeHead(404).end();
    else response.end(file);
  });
  await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
  context.after(() => mirror.close());
  const address = mirror.address();
  assert.ok(typeof address === "object" && address !== null);
  const base = `http://127.0.0.1:${address.port}`;
  const ran = join(place.root, "ran");
  const run = async (more: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = {}) => {
    const inputs = {
      "kind-mirror": base,
      "kubectl-mirror": base,
      "cluster-name": `tools-${randomUUID().slice(0, 8)}`,
      workers: "0",
      attempts: "1",
      artifact: "false",
      logs: "never",
      ...more,
    };
    const main = await runStep({ entry: "main", folders: place.folders, inputs, state: {}, environment });
    await runStep({ entry: "post", folders: place.folders, inputs, state: main.state, environment });
    assert.equal(main.exitCode, 1);
    return main;
  };
  return {
    ...place,
    probeImage,
    base,
    asked,
    run,
    /** Where tools record that they ran. */
    ran,
    /** A tool that only records that it ran. */
    binary: (what: string) => `#!/bin/sh\n# ${what}\necho "$0 $*" >> '${ran}'\nexit 1\n`,
    writeCatalog: async (sums: Readonly<Record<string, string>>) => {
      const images = [{ kubernetes: "1.28.15", image: probeImage }];
      const checksums = (tool: string) => (sums[tool] === undefined ? {} : { [`linux-${ARCHITECTURE}`]: sums[tool] });
      const kind = [{ version: VERSIONS.kind, released: "2024-11-06", images, checksums: checksums("kind") }];
      const kubectl = [{ version: VERSIONS.kubectl, checksums: checksums("kubectl") }];
      await writeFile(join(place.folders.workspace, "catalog.json"), JSON.stringify({ kind, kubectl }));
    },
  };
}

/** A machine that an earlier job has prepared: tools in the tool cache, and a catalog without checksums. */
async function runWithCache(context: TestContext, record: ((binary: string, url: string) => string) | undefined) {
  const step = await prepareStep(context);
  const binary = step.binary("in the tool cache");
  for (const tool of TOOLS) {
    const folder = join(step.folders.toolCache, tool, VERSIONS[tool], process.arch);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, tool), binary, { mode: 0o755 });
    await writeFile(`${folder}.complete`, "");
    if (record !== undefined)
      await writeFile(join(folder, `${tool}.record.json`), record(binary, `${step.base}${PATHS[tool]}`));
  }
  await step.writeCatalog({});
  return { main: await step.run({ catalog: "catalog.json" }), ran: step.ran };
}

/** The built bundle, on a tool cache that an earlier job could write to, with a catalog without checksums. */
describe("tools in the tool cache", () => {
  it("without a checksum from anywhere do not run", async (context) => {
    const { main, ran } = await runWithCache(context, undefined);
    assert.match(main.log.join("\n"), /is downloaded again/);
    assert.match(main.log.join("\n"), /::error::Downloading (kind|kubectl).* failed: Unexpected HTTP response: 404/);
    await assert.rejects(access(ran), "a tool from the cache ran");
  });

  it("that differ from their record do not run", async (context) => {
    const { main, ran } = await runWithCache(context, (_, url) => JSON.stringify({ sha256: "0".repeat(64), url }));
    assert.match(main.log.join("\n"), /is downloaded again/);
    await assert.rejects(access(ran), "a tool from the cache ran");
  });

  it("with a record of an http mirror run, but are called not verified, with a warning", async (context) => {
    const { main } = await runWithCache(context, (binary, url) => JSON.stringify({ sha256: sha256(binary), url }));
    const log = main.log.join("\n");
    assert.match(log, /kind 0\.25\.0: from the tool cache, not verified against the catalog.*nothing vouches for it/);
    assert.match(log, /::warning::kind 0\.25\.0 is not verified/);
    assert.match(log, /::warning::kubectl 1\.28\.15 is not verified/);
  });
});

describe("tools", () => {
  it("of the built-in catalog are installed only with their checksum, whatever a mirror serves", async (context) => {
    const fake = "#!/bin/sh\nexit 1\n";
    const step = await prepareStep(context, {
      [PATHS.kind]: fake,
      [PATHS.kubectl]: fake,
      [`${PATHS.kind}.sha256sum`]: sha256(fake),
      [`${PATHS.kubectl}.sha256`]: sha256(fake),
    });
    const main = await step.run({ "kubernetes-version": "1.28.15", "node-image": step.probeImage });
    const error = main.log.find((line) => line.startsWith("::error::")) ?? "";
    assert.match(error, new RegExp(`has the SHA-256 ${sha256(fake)}, but the catalog says [0-9a-f]{64}`));
    assert.deepEqual(
      step.asked.filter((url) => url.includes(".sha256")),
      [],
    );
  });

  it("in PATH are used if they have the checksum, and never run if they do not", async (context) => {
    const step = await prepareStep(context);
    const [wanted, other] = [step.binary("wanted"), step.binary("other")];
    const folders = [join(step.root, "first"), join(step.root, "second")];
    for (const [index, folder] of folders.entries()) {
      await mkdir(folder);
      for (const tool of TOOLS) await writeFile(join(folder, tool), index === 0 ? other : wanted, { mode: 0o755 });
    }
    await step.writeCatalog({ kind: sha256(wanted), kubectl: sha256(wanted) });
    const PATH = [...folders, process.env.PATH].join(":");
    const main = await step.run({ catalog: "catalog.json" }, { PATH });
    const log = main.log.join("\n");
    assert.match(
      log,
      /kind 0\.25\.0: the one in PATH \(\S+second\/kind\) has the pinned checksum; nothing was downloaded/,
    );
    assert.match(
      log,
      /kubectl 1\.28\.15: the one in PATH \(\S+second\/kubectl\) has the pinned checksum; nothing was downloaded/,
    );
    assert.doesNotMatch(log, /^(?!::debug::).*is not used/m, "a file that does not match is skipped without a message");
    assert.deepEqual(step.asked, []);
    // The run's own copy is what ran.
    const lines = (await readFile(step.ran, "utf8")).trim().split("\n");
    for (const line of lines) assert.ok(line.startsWith(step.folders.temp) && line.includes("/bin/"), line);
  });
});
