import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadFiles } from "../../../../src/inputs/files.ts";
import { configure, createInputs, HEADER, makeFolder, misconfigure, only } from "../../builders.ts";

function body(hostPath: string): string {
  return `nodes:\n- role: control-plane\n  extraMounts:\n  - containerPath: /a\n    hostPath: ${hostPath}\n`;
}

async function load(context: TestContext, hostPath: (folder: string) => string) {
  const folder = await makeFolder(context);
  await mkdir(join(folder, "there"));
  await writeFile(join(folder, "file"), "");
  await symlink("nowhere", join(folder, "dangling"));
  const text = HEADER + body(hostPath(folder));
  return await loadFiles(createInputs({ kindConfig: { kind: "inline", text } }), { workspace: folder, temp: folder });
}

test("a host path that does not exist is refused with its field, before kind is started", async (context) => {
  const cases: readonly (readonly [(folder: string) => string, RegExp, RegExp])[] = [
    [(folder) => `${folder}/missing.yaml`, /does not exist/, /check the path/],
    [() => "~/.docker/config.json", /does not exist/, /does not expand ~/],
    [() => ["$", "{HOME}/app"].join(""), /does not exist/, /does not expand ~ or variables/],
    [() => "no-such-folder-here/x", new RegExp(`does not exist \\(${process.cwd()}/no-such`), /check the path/],
    [(folder) => `${folder}/dangling`, /does not exist/, /check the path/],
    [(folder) => `${folder}/file/`, /goes through a file/, /check the path/],
  ];
  for (const [hostPath, reason, fix] of cases) {
    const problem = only((await load(context, hostPath)).problems);
    assert.match(problem.reason, /^line 7, column 15: nodes\.0\.extraMounts\.0\.hostPath /);
    assert.match(problem.reason, reason);
    assert.match(problem.fix, fix);
    assert.match(problem.allowed, /ends in \//);
  }
});

test("a path that exists is accepted, and Docker may create one that ends in a slash", async (context) => {
  const paths = ["there", "there/", "file", "made/", "made/below/"];
  for (const path of paths) assert.deepEqual((await load(context, (folder) => join(folder, path))).problems, [], path);
  // Relative paths start where kind runs: in the working directory.
  assert.deepEqual((await load(context, () => "package.json")).problems, []);
  assert.deepEqual((await load(context, () => "/var/run")).problems, []);
});

test("the credentials directory, which the step creates before the nodes, may be mounted, and so may its parents", async (context) => {
  const folder = await makeFolder(context);
  const credentialsDirectory = join(folder, "out/credentials");
  const problemsOf = async (hostPath: string) => {
    const inputs = createInputs({
      kindConfig: { kind: "inline", text: HEADER + body(hostPath) },
      credentialsDirectory,
    });
    return (await loadFiles(inputs, { workspace: folder, temp: folder })).problems;
  };
  for (const created of ["out/credentials", "out/credentials/", "out", "there/../out"])
    assert.deepEqual(await problemsOf(join(folder, created)), [], created);
  // Its files are written later: Docker would create a folder of that name.
  const inside = only(await problemsOf(join(credentialsDirectory, "torch.key")));
  assert.match(`${inside.reason} ${inside.fix}`, /does not exist.*mount the credentials-directory itself/);
  assert.match(only(await problemsOf(join(folder, "outside"))).reason, /does not exist/);
});

test("a path in the node that Docker refuses is refused up front", () => {
  const mount = (fields: string) => `nodes:\n- extraMounts:\n  - {${fields}}\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [mount("hostPath: /tmp, containerPath: a/b"), /extraMounts\.0\.containerPath is not an absolute path: a\/b/],
    [mount("hostPath: /tmp, containerPath: /"), /containerPath is the root of the node/],
    [mount("hostPath: /tmp, containerPath: /a/.."), /containerPath is the root of the node/],
    [mount("hostPath: /tmp, containerPath: '/a:b'"), /containerPath contains a colon/],
    [mount("hostPath: '/tmp/a:b', containerPath: /a"), /hostPath contains a colon.*: '\/tmp\/a:b'/],
    [mount("hostPath: /tmp"), /extraMounts\.0 has no containerPath/],
  ];
  for (const [text, reason] of cases) assert.match(only(misconfigure(text)).reason, reason, text);
  assert.match(only(configure(mount("containerPath: /a")).warnings), /has no hostPath/);
  assert.deepEqual(configure(mount("hostPath: /tmp, containerPath: '/a:ro'")).warnings, []);
});
