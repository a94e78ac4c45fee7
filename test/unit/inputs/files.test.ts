import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadFiles } from "../../../src/inputs/files.ts";
import { type Inputs, readInputs } from "../../../src/inputs/inputs.ts";
import { recheckCredentialsPlace } from "../../../src/torch/compose/credentials-place.ts";
import { holdFolder } from "../../../src/values/files.ts";
import type { Folders } from "../../../src/values/paths.ts";
import { CATALOG, createInputs, environmentOf, errorOf, HEADER, makeFolder, only } from "../builders.ts";

interface Place extends Folders {
  readonly outside: string;
  load(overrides: Partial<Inputs>): ReturnType<typeof loadFiles>;
}

async function makePlace(context: TestContext): Promise<Place> {
  const root = await makeFolder(context);
  const [workspace, temp, outside] = [join(root, "ws"), join(root, "temp"), join(root, "outside")];
  await Promise.all([workspace, temp, outside].map((path) => mkdir(path)));
  return { workspace, temp, outside, load: (overrides) => loadFiles(createInputs(overrides), { workspace, temp }) };
}

const atFile = (path: string): Partial<Inputs> => ({ kindConfig: { kind: "file", path } });

test("without files to read, the catalog is the built-in one", async (context) => {
  const { load } = await makePlace(context);
  const loaded = await load({});
  assert.deepEqual([loaded.configuration, loaded.problems], [undefined, []]);
  assert.ok(loaded.catalog.kind.length > 0);
});

test("files in the workspace and in the temporary folder are read", async (context) => {
  const { workspace, temp, load } = await makePlace(context);
  await writeFile(join(workspace, "kind.yaml"), `${HEADER}name: mine\n`);
  await writeFile(join(temp, "catalog.json"), JSON.stringify(CATALOG));
  await writeFile(join(workspace, "rights.yaml"), "kind: List");
  const loaded = await load({
    ...atFile(join(workspace, "kind.yaml")),
    catalog: join(temp, "catalog.json"),
    rbacManifests: [join(workspace, "rights.yaml")],
  });
  assert.deepEqual(loaded.problems, []);
  assert.equal(loaded.configuration?.name, "mine");
  assert.deepEqual(loaded.catalog, CATALOG);
});

test("a name that begins with two dots is a name", async (context) => {
  const { workspace, load } = await makePlace(context);
  await mkdir(join(workspace, "..data"));
  await writeFile(join(workspace, "..data", "kind.yaml"), HEADER);
  assert.deepEqual((await load(atFile(join(workspace, "..data", "kind.yaml")))).problems, []);
});

test("an inline configuration is read, and its problems have line numbers", async (context) => {
  const { load } = await makePlace(context);
  const text = `${HEADER}name: mine\nname: yours\n`;
  const problem = only((await load({ kindConfig: { kind: "inline", text } })).problems);
  assert.deepEqual([problem.input, problem.value], ["kind-config", "inline"]);
  assert.match(problem.reason, /line 4, column 1/);
});

test("a file that is missing is a problem of its input, for every input that names one", async (context) => {
  const { workspace, load } = await makePlace(context);
  const path = join(workspace, "missing");
  const cases: readonly (readonly [string, Partial<Inputs>])[] = [
    ["kind-config", atFile(path)],
    ["catalog", { catalog: path }],
    ["rbac-manifests", { rbacManifests: [path] }],
    ["cni-manifests", { cniManifests: [path] }],
    ["dns", { dns: { kind: "resolv-conf", path } }],
  ];
  for (const [input, overrides] of cases) {
    const problem = only((await load(overrides)).problems);
    assert.deepEqual([problem.input, problem.value], [input, path]);
    assert.match(problem.reason, /does not exist/);
  }
  const all = Object.assign({}, ...cases.map(([, overrides]) => overrides));
  assert.equal((await load({ ...all, rbacManifests: [path, `${path}2`] })).problems.length, 6);
});

test("a folder, or a path through a file, is not a file", async (context) => {
  const { workspace, load } = await makePlace(context);
  await writeFile(join(workspace, "file"), "");
  assert.match(only((await load({ rbacManifests: [workspace] })).problems).reason, /not a file/);
  assert.equal((await load({ rbacManifests: [join(workspace, "file", "x")] })).problems.length, 1);
});

test("a link that leads out is refused, whether the file itself or a folder above it; a link within is followed", async (context) => {
  const { workspace, temp, outside, load } = await makePlace(context);
  await writeFile(join(outside, "secret.yaml"), "secret");
  await writeFile(join(temp, "fine.yaml"), "fine");
  await symlink(join(outside, "secret.yaml"), join(workspace, "link.yaml"));
  await symlink(outside, join(workspace, "dir"));
  await symlink(join(temp, "fine.yaml"), join(workspace, "fine.yaml"));
  await symlink(join(workspace, "loop"), join(workspace, "loop"));
  for (const name of ["link.yaml", "dir/secret.yaml"]) {
    const problem = only((await load({ rbacManifests: [join(workspace, name)] })).problems);
    assert.match(problem.reason, /leads out/);
    assert.ok(!JSON.stringify(problem).includes('"secret"'));
  }
  assert.deepEqual((await load({ rbacManifests: [join(workspace, "fine.yaml")] })).problems, []);
  assert.equal((await load({ rbacManifests: [join(workspace, "loop")] })).problems.length, 1);
});

test("folders that are links themselves are the folders they lead to", async (context) => {
  const { workspace, temp } = await makePlace(context);
  await writeFile(join(workspace, "kind.yaml"), HEADER);
  const alias = `${workspace}-alias`;
  await symlink(workspace, alias);
  const loaded = await loadFiles(createInputs(atFile(join(alias, "kind.yaml"))), { workspace: alias, temp });
  assert.deepEqual(loaded.problems, []);
});

test("a credentials-directory need not exist, but must not lead out", async (context) => {
  const { workspace, outside, load } = await makePlace(context);
  await symlink(outside, join(workspace, "out"));
  await writeFile(join(workspace, "file"), "");
  assert.deepEqual((await load({ credentialsDirectory: join(workspace, "a", "b") })).problems, []);
  assert.deepEqual((await load({ credentialsDirectory: workspace })).problems, []);
  for (const path of ["out", "out/new/folder", "file", "file/new"]) {
    const problem = only((await load({ credentialsDirectory: join(workspace, path) })).problems);
    assert.equal(problem.input, "credentials-directory", path);
  }
});

test("a credentials-directory behind a link to nowhere is refused", async (context) => {
  const { workspace, outside, load } = await makePlace(context);
  await symlink(join(outside, "later"), join(workspace, "dangling"));
  assert.equal((await load({ credentialsDirectory: join(workspace, "dangling") })).problems.length, 1);
});

test("the problem of a malformed catalog says where it is", async (context) => {
  const { workspace, load } = await makePlace(context);
  const path = join(workspace, "catalog.json");
  for (const [text, reason] of [
    ["{", /not JSON/],
    ['{"kind": [{}]}', /kind\[0\]/],
    ["\0", /not JSON/],
  ] as const) {
    await writeFile(path, text);
    const problem = only((await load({ catalog: path })).problems);
    assert.equal(problem.input, "catalog");
    assert.match(problem.reason, reason);
  }
});

test("a resolv.conf needs a name server", async (context) => {
  const { workspace, load } = await makePlace(context);
  const path = join(workspace, "resolv.conf");
  const cases: readonly (readonly [string, number])[] = [
    ["nameserver 192.0.2.53\n", 0],
    ["search a\r\n  nameserver 192.0.2.53\r\n", 0],
    ["", 1],
    ["# nameserver 192.0.2.53\n", 1],
    ["nameserver\n", 1],
    ["nameserver\nsearch example.org\n", 1],
    ["search example.org\n", 1],
  ];
  for (const [text, count] of cases) {
    await writeFile(path, text);
    assert.equal((await load({ dns: { kind: "resolv-conf", path } })).problems.length, count, text);
  }
});

test("a checkout that is a link is accepted where it leads into the workspace, and refused where it leads out", async (context) => {
  const { workspace, temp, outside, load } = await makePlace(context);
  await mkdir(join(workspace, "torch"));
  await symlink(join(workspace, "torch"), join(workspace, "inside"));
  await symlink(outside, join(workspace, "out"));
  const torchAt = (torch: string) => {
    const { inputs, problems } = readInputs(environmentOf({ torch }), { workspace, temp });
    assert.deepEqual(problems, []);
    return load({ torch: inputs.torch });
  };
  for (const path of ["torch", "inside", "not/there/yet"]) assert.deepEqual((await torchAt(path)).problems, [], path);
  for (const path of ["out", "out/torch"]) {
    const problem = only((await torchAt(path)).problems);
    assert.equal(problem.input, "torch");
    assert.match(problem.reason, /leads out of the workspace through a link/);
  }
});

test("a temporary folder that everyone can write to is a warning, unless it is sticky", async (context) => {
  const { temp, load } = await makePlace(context);
  for (const [mode, count] of [
    [0o755, 0],
    [0o1777, 0],
    [0o777, 1],
    [0o773, 1],
  ] as const) {
    await chmod(temp, mode);
    assert.equal((await load({})).warnings?.length, count, mode.toString(8));
  }
});

test("a credentials directory that leads elsewhere when it is written to is refused, and files are written to the held folder", async (context) => {
  const { workspace, temp, outside } = await makePlace(context);
  const [first, link] = [join(workspace, "first"), join(workspace, "keys")];
  await mkdir(first);
  await symlink(first, link);
  const folder = await holdFolder(link);
  context.after(() => folder.close());
  const check = () => recheckCredentialsPlace(link, folder.real, { workspace, temp }, undefined);
  await check();
  await mkdir(join(workspace, "second"));
  for (const target of [outside, join(workspace, "second")]) {
    await rm(link);
    await symlink(target, link);
    assert.match((await errorOf(check())).message, /The credentials were not written: .*(leads out|leads to)/s);
  }
  await rename(first, join(workspace, "moved"));
  await writeFile(folder.at("a.key"), "key", { flag: "wx" });
  assert.equal(await readFile(join(workspace, "moved/a.key"), "utf8"), "key");
});
