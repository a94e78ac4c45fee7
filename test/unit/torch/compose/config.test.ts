import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModel } from "../../../../src/torch/compose/config.ts";

test("a service that is a program of this machine, and a secret that is the runner's token, are refused", () => {
  const reasons = (model: Parameters<typeof checkModel>[0]) =>
    checkModel(model)
      .map(({ reason }) => reason)
      .join("\n");
  assert.match(reasons({ services: { a: { image: "x" }, b: { provider: { type: "./evil" } } } }), /with provider: b$/);
  const sources = { t: { environment: "GITHUB_TOKEN" }, p: { environment: "DB_PASSWORD" }, f: { file: "/x" }, n: null };
  assert.match(reasons({ services: {}, secrets: sources }), /^reads GITHUB_TOKEN .*at secrets.t\)$/);
  assert.match(reasons({ services: {}, configs: sources }), /^reads GITHUB_TOKEN .*at configs.t\)$/);
  assert.equal(reasons({ services: { a: { environment: { A: null } } } }), "");
});
