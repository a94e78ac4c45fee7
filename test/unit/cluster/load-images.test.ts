import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { isAfterConfiguration } from "../../../src/cluster/kind.ts";
import { importCommand } from "../../../src/cluster/load-images.ts";
import { makeFolder } from "../builders.ts";

const execute = promisify(execFile);

test("the nodes can be loaded when kind has configured them, and not before", () => {
  const lines = [
    'Creating cluster "x" ...',
    " • Preparing nodes 📦 📦   ...",
    " ✓ Preparing nodes 📦 📦 ",
    " • Writing configuration 📜  ...",
    " ✓ Writing configuration 📜",
    " • Starting control-plane 🕹️  ...",
  ];
  assert.deepEqual(lines.filter(isAfterConfiguration), [" ✓ Writing configuration 📜"]);
});

test("an archive's images are imported, and waited for until the runtime interface knows each", async (context) => {
  const folder = await makeFolder(context);
  const calls = join(folder, "calls");
  const program = async (name: string, body: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\necho "${name} $*" >>"${calls}"\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  };
  await program("ctr", 'echo "REF STATUS"; echo "x complete (2/2) x"');
  // It knows an image when it is asked for the second time.
  await program("crictl", `[ "$(grep -c "$*\\$" "${calls}")" -ge 2 ]`);
  const run = async () => {
    const [file = "", ...args] = importCommand({ file: "a.tar", images: ["a:1", "b:$(false)"] });
    await execute(file, args, { env: { PATH: `${folder}:${process.env.PATH}` } });
    return (await readFile(calls, "utf8")).trim().split("\n");
  };
  const [first, second] = ["docker.io/library/a:1", "docker.io/library/b:$(false)"];
  assert.deepEqual(await run(), [
    "ctr version",
    "ctr --namespace=k8s.io images import --no-unpack /kind-torch/images/a.tar",
    `ctr --namespace=k8s.io images check name=="${first}"`,
    ...[`crictl inspecti ${first}`, `crictl inspecti ${first}`],
    `ctr --namespace=k8s.io images check name=="${second}"`,
    ...[`crictl inspecti ${second}`, `crictl inspecti ${second}`],
  ]);
  await program("ctr", 'echo "x incomplete (1/2) x"');
  await assert.rejects(run(), /a:1 is not whole, or not for this processor: x incomplete \(1\/2\) x/);
  await program("ctr", '[ "$1" = version ] || { echo "ctr: content digest not found" >&2; exit 1; }');
  await assert.rejects(run(), /content digest not found/);
});
