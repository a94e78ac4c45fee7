import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readContainerLog } from "../../../../src/docker/container-logs.ts";
import { createExec, type Exec } from "../../../../src/exec.ts";
import { readComponentLogs } from "../../../../src/torch/stack/logs.ts";
import { makeFolder } from "../../builders.ts";

test("no more of a container's logs is read than fits, and the part that matters is read", async (context) => {
  const folder = await makeFolder(context);
  const docker = join(folder, "docker");
  const much = "head -c 40000000 /dev/zero | tr '\\0' x";
  const script = `#!/bin/sh
case "$*" in
  *"--tail 500 "*) echo "2026-11-25T10:00:00Z the end" ;;
  logs*--since*) echo "2026-11-25T10:00:00Z a-b discovery succeeded"; ${much} ;;
  logs*) ${much} ;;
  diff*) echo "A /a.log" ;;
  cp*) ${much} ;;
esac
`;
  await writeFile(docker, script, { mode: 0o700 });
  const exec: Exec = (command) => createExec(folder)({ ...command, file: docker });
  const [log, file] = await readComponentLogs("c", exec);
  assert.equal(log?.text, "the end\n");
  assert.match(file?.text ?? "", /^larger than 16777216 bytes, not read/);
  const early = await readContainerLog("c", exec, "2026-11-25T09:00:00Z");
  assert.ok(early.startsWith("a-b discovery succeeded\n"));
  assert.ok(early.length <= 16 * 1024 * 1024);
});
