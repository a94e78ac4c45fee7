import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { runStep } from "../../scripts/local/runner.ts";
import { prepareMachine } from "../e2e/harness.ts";
import { makePlace, type Place, refused } from "./refusal.ts";

const execute = promisify(execFile);
const ARCHITECTURE = process.arch === "arm64" ? "arm64" : "amd64";
const WATCHES = "/proc/sys/fs/inotify/max_user_watches";

/** As large as the real ones. */
const SIZES = { kind: 11_000_000, kubectl: 62_000_000 } as const;
const TOOLS = ["kind", "kubectl"] as const;

/** A machine without Docker in PATH: a variable by its name would win over it. */
async function preparePlace(
  context: TestContext,
): Promise<Place & { readonly environment: { readonly PATH: string } }> {
  const place = await makePlace();
  context.after(() => rm(place.root, { recursive: true }));
  const path = join(place.root, "path");
  await mkdir(path);
  return { ...place, environment: { PATH: path } };
}

/** Both tools with the sizes of the real ones, and a catalog with their checksums. */
async function prepareTools(context: TestContext) {
  const place = await preparePlace(context);
  const binaries = { kind: randomBytes(SIZES.kind), kubectl: randomBytes(SIZES.kubectl) };
  const sum = (tool: (typeof TOOLS)[number]) => createHash("sha256").update(binaries[tool]).digest("hex");
  const images = [{ kubernetes: "1.28.15", image: "kindest/node:v1.28.15" }];
  const catalog = {
    kind: [{ version: "0.25.0", images, checksums: { [`linux-${ARCHITECTURE}`]: sum("kind") } }],
    kubectl: [
      { version: "1.31.2", checksums: { [`linux-${ARCHITECTURE}`]: sum("kubectl") } },
      { version: "1.28.15", checksums: {} },
    ],
  };
  await writeFile(join(place.folders.workspace, "catalog.json"), JSON.stringify(catalog));
  return { ...place, binaries };
}

/** Main and post of one step. */
async function runWhole(
  { folders, environment }: Pick<Awaited<ReturnType<typeof preparePlace>>, "folders" | "environment">,
  more: Readonly<Record<string, string>>,
) {
  const inputs = { "install-only": "true", ...more };
  const start = performance.now();
  const main = await runStep({ entry: "main", folders, inputs, environment });
  const mainSeconds = (performance.now() - start) / 1000;
  assert.equal(main.exitCode, 0, main.log.join("\n"));
  const between = await readdir(folders.temp);
  const after = async () => {
    const begin = performance.now();
    const post = await runStep({ entry: "post", folders, inputs, state: main.state, environment });
    return { ...post, seconds: (performance.now() - begin) / 1000 };
  };
  return { main, mainSeconds, between, post: after };
}

/**
 * The seconds that the work itself takes on this machine now: Node.js is started twice, and the tools are read, hashed and
 * written. About a fifth of a second where nothing else runs.
 */
async function timeBareWork(folder: string): Promise<number> {
  const script = `const { readFileSync, writeFileSync, rmSync } = require("node:fs");
for (const file of process.argv.slice(1)) {
  const data = readFileSync(file);
  require("node:crypto").createHash("sha256").update(data).digest();
  writeFileSync(file + ".copy", data);
  rmSync(file + ".copy");
}`;
  const start = performance.now();
  await execute(process.execPath, ["-e", script, ...TOOLS.map((tool) => join(folder, tool))]);
  await execute(process.execPath, ["-e", ""]);
  return (performance.now() - start) / 1000;
}

describe("install-only", () => {
  it("puts kind and kubectl of a mirror into PATH without Docker, and post removes them and nothing else", async (context) => {
    const machine = await prepareMachine();
    const place = await preparePlace(context);
    const { "internet-probe": _, ...supply } = await machine.inputs(place.folders.temp);
    const watches = await readFile(WATCHES, "utf8");
    const { main, between, post } = await runWhole(place, supply);
    const { outputs, paths, variables, summary } = main;
    assert.deepEqual(Object.keys(outputs).toSorted(), ["kind-path", "kind-version", "kubectl-path", "kubectl-version"]);
    assert.deepEqual(variables, {}, "no KUBECONFIG");
    const folder = dirname(outputs["kind-path"] ?? "");
    assert.deepEqual([...new Set(paths)], [folder]);
    const kind = await execute(outputs["kind-path"] ?? "", ["version"]);
    assert.match(kind.stdout, new RegExp(`v${outputs["kind-version"]}`));
    const kubectl = await execute(outputs["kubectl-path"] ?? "", ["version", "--client"]);
    assert.match(kubectl.stdout, new RegExp(`v${outputs["kubectl-version"]}`));
    assert.match(summary, /kind and kubectl, without a cluster/);
    for (const version of [outputs["kind-version"], outputs["kubectl-version"]])
      assert.ok(summary.includes(`${version}`));
    assert.equal(await readFile(WATCHES, "utf8"), watches);

    const { exitCode, log } = await post();
    assert.equal(exitCode, 0, log.join("\n"));
    assert.doesNotMatch(log.join("\n"), /::warning|::error/);
    await assert.rejects(access(folder));
    const left = await readdir(place.folders.temp);
    assert.deepEqual(
      between.filter((name) => !left.includes(name)),
      between.filter((name) => name.startsWith("kind-torch-tools-")),
    );
    assert.deepEqual(await readdir(place.folders.workspace), []);
  });

  it("takes at most a second in all with both tools in PATH, and then with both in the tool cache", async (context) => {
    const place = await prepareTools(context);
    for (const tool of TOOLS)
      await writeFile(join(place.environment.PATH, tool), place.binaries[tool], { mode: 0o755 });
    const measure = async (origin: RegExp) => {
      const seconds: number[] = [];
      const limits: number[] = [];
      const isMet = () => seconds.some((each, index) => each <= (limits[index] ?? 0));
      // The best of several, more on a busy machine: what else it does is not the step's.
      while (seconds.length < 3 || (seconds.length < 12 && !isMet())) {
        limits.push(Math.max(1, 4 * (await timeBareWork(place.environment.PATH))));
        const { main, mainSeconds, post } = await runWhole(place, { catalog: "catalog.json" });
        assert.match(main.log.join("\n"), origin);
        assert.equal(main.outputs["kubectl-version"], "1.31.2", "the newest in the catalog");
        seconds.push(mainSeconds + (await post()).seconds);
      }
      const shown = (all: readonly number[]) => all.map((each) => each.toFixed(2)).join(", ");
      context.diagnostic(`${origin.source}: ${shown(seconds)} s; limits ${shown(limits)} s`);
      assert.ok(isMet(), `${shown(seconds)} s; limits ${shown(limits)} s`);
    };
    await measure(/kubectl 1\.31\.2: the one in PATH .* has the pinned checksum; nothing was downloaded/);
    for (const [tool, version] of [
      ["kind", "0.25.0"],
      ["kubectl", "1.31.2"],
    ] as const) {
      const cached = join(place.folders.toolCache, tool, version, process.arch);
      await mkdir(cached, { recursive: true });
      await writeFile(join(cached, tool), place.binaries[tool], { mode: 0o755 });
      await writeFile(`${cached}.complete`, "");
    }
    await measure(/kubectl 1\.31\.2: from the tool cache, verified against the catalog/);
  });

  it("refuses what has no effect with it, all at once, and does not ask for Docker", async (context) => {
    const { environment, ...place } = await preparePlace(context);
    const inputs = {
      "install-only": "true",
      "cluster-name": "Not_A_Label",
      "kind-config": "missing.yaml",
      workers: "2",
      cleanup: "false",
      "artifact-passphrase": "pw-12345678",
      "kubectl-version": "one",
      cluster_name: "demo",
    };
    const [head = "", ...lines] = await refused(place, inputs, { environment });
    assert.match(head, /^::error::7 problem\(s\)/);
    const text = lines.join("\n");
    for (const name of ["cluster-name", "kind-config", "workers", "cleanup", "artifact-passphrase"]) {
      assert.match(text, new RegExp(`^${name} and install-only: .* has no effect .* Fix: remove it, or`, "m"));
    }
    assert.match(text, /^kubectl-version: "one" is not a version/m);
    assert.match(text, /^cluster_name: "demo" is for an input of helm\/kind-action/m);
    assert.doesNotMatch(text, /Docker|pw-12345678|does not exist/);
  });

  it("fails with the address when a tool cannot be downloaded, and post removes the folder", async (context) => {
    const place = await preparePlace(context);
    const mirror = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    context.after(() => mirror.close());
    const address = mirror.address();
    assert.ok(typeof address === "object" && address !== null);
    const base = `http://127.0.0.1:${address.port}`;
    const { folders, environment } = place;
    const inputs = { "install-only": "true", "kind-mirror": base, "kubectl-mirror": base };
    const main = await runStep({ entry: "main", folders, inputs, environment });
    assert.equal(main.exitCode, 1);
    assert.match(main.log.join("\n"), /::error::Downloading (?:kind|kubectl) from http:\S+ failed: .*404/);
    assert.deepEqual(main.outputs, {});
    const post = await runStep({ entry: "post", folders, inputs, state: main.state, environment });
    assert.equal(post.exitCode, 0);
    assert.deepEqual(
      (await readdir(folders.temp)).filter((name) => name.startsWith("kind-torch")),
      [],
    );
  });
});
