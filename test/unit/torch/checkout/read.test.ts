import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { planLayout } from "../../../../src/torch/checkout/layout.ts";
import { readCheckout } from "../../../../src/torch/checkout/read.ts";
import { makeFolder, only } from "../../builders.ts";

const LAYOUT = planLayout("simple", {
  folders: { dashboard: undefined, engine: undefined, services: undefined },
  exampleFolder: undefined,
  plans: undefined,
});

/** What is wrong with a checkout in which Docker is not needed to see it. */
async function problemOf(root: string) {
  const read = await readCheckout(root, LAYOUT, async ({ file }) => assert.fail(`${file} was run`));
  assert.ok("problems" in read);
  return only(read.problems);
}

test("a torch folder that does not exist is the problem, and not the example in it", async (context) => {
  const folder = await makeFolder(context);
  await writeFile(join(folder, "file"), "");
  for (const root of [join(folder, "gone"), join(folder, "file")]) {
    const { input, value, fix } = await problemOf(root);
    assert.deepEqual([input, value], ["torch", root]);
    assert.match(fix, /run actions\/checkout before this step/);
  }
});

test("an example that does not exist is reported with those that do", async (context) => {
  const root = await makeFolder(context);
  assert.match((await problemOf(root)).allowed, /there is no examples folder/);
  for (const name of ["two-clusters", "other"]) await mkdir(join(root, "examples", name), { recursive: true });
  await writeFile(join(root, "examples/README.md"), "");
  const { input, value, reason, allowed } = await problemOf(root);
  assert.deepEqual([input, value], ["torch-example", "examples/simple/docker"]);
  assert.match(reason, /does not exist: looked for .*examples\/simple\/docker$/);
  assert.match(allowed, /the examples are other, two-clusters/);
});

test("what lies in a submodule that was not fetched is reported as such", async (context) => {
  const root = await makeFolder(context);
  await mkdir(join(root, "examples"));
  await writeFile(join(root, ".gitmodules"), '[submodule "e"]\n\tpath = examples\n\turl = https://a.example/e\n');
  const { reason, fix } = await problemOf(root);
  assert.match(reason, /\.gitmodules has examples as a submodule, which was not fetched/);
  assert.match(fix, /submodules: true/);
});

test("a build argument that buildx would change is a problem, also if nothing else is wrong", async (context) => {
  const root = await makeFolder(context);
  for (const folder of ["examples/simple/docker", "dashboard", "model/flowable", "service-layer"]) {
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, "Dockerfile"), "FROM scratch\n");
  }
  const docker = join(root, LAYOUT.docker);
  await writeFile(join(docker, "bpmn_plans.zip"), "");
  for (const { composeFile } of Object.values(LAYOUT.components)) {
    await writeFile(join(root, composeFile), "services: {}\n");
  }
  const readWith = (argument: string) => {
    const model = { services: { own: { build: { args: { A: argument } } } } };
    return readCheckout(root, LAYOUT, async () => ({ stdout: JSON.stringify(model), stderr: "" }), {});
  };
  assert.ok("checkout" in (await readWith("\u00e9")));
  const read = await readWith("e\u0301");
  assert.ok("problems" in read);
  assert.equal(read.problems.length, 3);
  for (const { reason } of read.problems) assert.match(reason, /build argument A with decomposed Unicode/);
});
