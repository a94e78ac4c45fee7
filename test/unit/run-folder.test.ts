import assert from "node:assert/strict";
import { test } from "node:test";
import { isRunFolder, readRunFolder } from "../../src/run-folder.ts";

test("only a folder that a run can have made in RUNNER_TEMP is one of a run", () => {
  for (const path of ["/t/kind-torch-c-0a1b2c3d", "/t/kind-torch-ci-1.28-0a1b2c3d", "/t/kind-torch-tools-0a1b2c3d"]) {
    assert.ok(isRunFolder(path, "/t"), path);
    assert.ok(isRunFolder(path, "/t/"), path);
  }
  for (const path of [
    ...["", "/", "/t", "/etc", "/t/other", "/t/kind-torch-", "/t/kind-torch-c/..", "/t/kind-torch-c/../x"],
    ...["/t/kind-torch-c/d", "/u/kind-torch-c-0a1b2c3d", "kind-torch-c-0a1b2c3d", "/t/x/kind-torch-c-0a1b2c3d"],
  ]) {
    assert.ok(!isRunFolder(path, "/t"), path);
  }
  assert.ok(!isRunFolder("/kind-torch-c-0a1b2c3d", ""));
});

test("the name of a run's folder says its labels and its id", () => {
  assert.deepEqual(readRunFolder("/t/kind-torch-ci-1.28-0a1b2c3d"), { run: "ci-1.28-0a1b2c3d", id: "0a1b2c3d" });
});
