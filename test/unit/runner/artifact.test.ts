import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultArtifactName, hasArtifactService } from "../../../src/runner/artifact.ts";
import { artifactName } from "../../../src/values/names.ts";

test("an artifact's name tells cluster, job, matrix index and a later attempt apart", () => {
  const name = (environment: NodeJS.ProcessEnv, index?: string) =>
    defaultArtifactName("kind-logs", "c", environment, index);
  const names = [
    name({ GITHUB_JOB: "a" }),
    name({ GITHUB_JOB: "b" }),
    name({ GITHUB_JOB: "a" }, "0"),
    name({ GITHUB_JOB: "a" }, "1"),
    name({ GITHUB_JOB: "a", GITHUB_RUN_ATTEMPT: "2" }),
    name({ GITHUB_JOB: "a", GITHUB_RUN_ATTEMPT: "2" }, "1"),
    defaultArtifactName("kind-credentials", "c", { GITHUB_JOB: "a" }, undefined),
    defaultArtifactName("kind-logs", "d", { GITHUB_JOB: "a" }, undefined),
  ];
  assert.equal(new Set(names).size, names.length, `${names}`);
  for (const each of names) assert.ok("value" in artifactName(each), each);
  assert.equal(name({ GITHUB_JOB: "a", GITHUB_RUN_ATTEMPT: "1" }), name({ GITHUB_JOB: "a" }));
  assert.equal(name({ GITHUB_JOB: "" }, ""), name({}));
});

test("an artifact service needs its token, its address and a server that has one", () => {
  const both = { ACTIONS_RUNTIME_TOKEN: "t", ACTIONS_RESULTS_URL: "http://localhost" };
  assert.ok(hasArtifactService(both));
  assert.ok(hasArtifactService({ ...both, GITHUB_SERVER_URL: "https://github.com" }));
  assert.ok(hasArtifactService({ ...both, GITHUB_SERVER_URL: "https://tenant.ghe.com" }));
  for (const bad of [
    { GITHUB_SERVER_URL: "https://git.example" },
    { ACTIONS_RUNTIME_TOKEN: "" },
    { ACTIONS_RESULTS_URL: undefined },
  ]) {
    assert.ok(!hasArtifactService({ ...both, ...bad }), JSON.stringify(bad));
  }
});
