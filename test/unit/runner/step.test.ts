import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../src/errors.ts";
import { hasJobFailed, readFolders } from "../../../src/runner/step.ts";

test("a job has failed unless the runner says success or nothing", () => {
  for (const status of ["success", "", " success "]) assert.ok(!hasJobFailed({ "INPUT_JOB-STATUS": status }));
  for (const status of ["failure", "cancelled", "Success?"]) assert.ok(hasJobFailed({ "INPUT_JOB-STATUS": status }));
  assert.ok(!hasJobFailed({}));
});

test("outside a runner the step fails with the reason", () => {
  assert.throws(() => readFolders({ GITHUB_WORKSPACE: "/ws" }), Failure);
  assert.throws(() => readFolders({ RUNNER_TEMP: "/tmp" }), Failure);
});
