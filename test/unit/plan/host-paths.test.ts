import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkHostPaths } from "../../../src/plan/host-paths.ts";
import { configure, makeFolder, only } from "../builders.ts";

const HERE = { kind: "this-machine" } as const;

function body(hostPath: string): string {
  return `nodes:\n- role: control-plane\n  extraMounts:\n  - containerPath: /a\n    hostPath: ${hostPath}\n`;
}

async function load(context: TestContext, hostPath: (folder: string) => string) {
  const folder = await makeFolder(context);
  await mkdir(join(folder, "there"));
  await writeFile(join(folder, "file"), "");
  await symlink("nowhere", join(folder, "dangling"));
  return await checkHostPaths(configure(body(hostPath(folder))), undefined, HERE);
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
    const problem = only(await load(context, hostPath));
    assert.match(problem.reason, /^line 7, column 15: nodes\.0\.extraMounts\.0\.hostPath /);
    assert.match(problem.reason, reason);
    assert.match(problem.fix, fix);
    assert.match(problem.allowed, /ends in \//);
  }
});

test("a path that exists is accepted, and Docker may create one that ends in a slash", async (context) => {
  const paths = ["there", "there/", "file", "made/", "made/below/"];
  for (const path of paths) assert.deepEqual(await load(context, (folder) => join(folder, path)), [], path);
  // Relative paths start where kind runs: in the working directory.
  assert.deepEqual(await load(context, () => "package.json"), []);
  assert.deepEqual(await load(context, () => "/var/run"), []);
});

test("the credentials directory, which the step creates before the nodes, may be mounted, and so may its parents", async (context) => {
  const folder = await makeFolder(context);
  const credentialsDirectory = join(folder, "out/credentials");
  const problemsOf = (hostPath: string) => checkHostPaths(configure(body(hostPath)), credentialsDirectory, HERE);
  for (const created of ["out/credentials", "out/credentials/", "out", "there/../out"])
    assert.deepEqual(await problemsOf(join(folder, created)), [], created);
  // Its files are written later: Docker would create a folder of that name.
  const inside = only(await problemsOf(join(credentialsDirectory, "torch.key")));
  assert.match(`${inside.reason} ${inside.fix}`, /does not exist.*mount the credentials-directory itself/);
  assert.match(only(await problemsOf(join(folder, "outside"))).reason, /does not exist/);
});

test("in a job's container, what is mounted must be in one of its volumes", async (context) => {
  const folder = await makeFolder(context);
  await mkdir(join(folder, "data"));
  const site = {
    kind: "container",
    name: "job",
    networkOf: "1",
    networks: [],
    mounts: [{ source: "/home/runner/work", destination: folder }],
  } as const;
  const problemsOf = (hostPath: string) => checkHostPaths(configure(body(hostPath)), undefined, site);
  assert.deepEqual(await problemsOf(join(folder, "data")), []);
  assert.match(only(await problemsOf(join(folder, "missing"))).reason, /does not exist/);
  const outside = only(await problemsOf("/usr"));
  assert.match(outside.reason, /in the file system of this job's container, job/);
  assert.match(outside.fix, /workspace/);
});

test("on another machine an absolute path may exist, and a relative one means nothing", async () => {
  const site = { kind: "remote", host: "docker" } as const;
  const problemsOf = (hostPath: string) => checkHostPaths(configure(body(hostPath)), undefined, site);
  assert.deepEqual(await problemsOf("/data/of/that/machine"), []);
  assert.match(only(await problemsOf("data")).reason, /relative path.*another machine \(docker\)/);
  assert.deepEqual(await checkHostPaths(undefined, undefined, site), []);
});
