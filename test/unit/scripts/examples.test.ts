import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { readExamples, useOwnAction } from "../../../scripts/docs/examples.ts";

const README = `
# Title
### Whole
\`\`\`yaml
on: pull_request
jobs:
  call:
    uses: OWNER/kind-torch-action/.github/workflows/torch-e2e.yml@v1
\`\`\`
### Steps
\`\`\`yaml
      - uses: OWNER/kind-torch-action@v1
        with: { workers: 0 }
\`\`\`
\`\`\`json
{}
\`\`\`
### Later steps
\`\`\`yaml
      - run: echo
\`\`\`
`;

test("the examples are read as workflows; steps get a job that may read, and a cluster where they make none", () => {
  const examples = readExamples(README);
  assert.deepEqual(
    examples.map(({ heading }) => heading),
    ["Whole", "Steps", "Later steps"],
  );
  const [whole, steps, later] = examples.map(({ workflow }) => parse(useOwnAction(workflow)));
  assert.deepEqual(whole, { on: "pull_request", jobs: { call: { uses: "./.github/workflows/torch-e2e.yml" } } });
  for (const { permissions, jobs } of [steps, later]) {
    assert.deepEqual(permissions, {});
    assert.deepEqual(jobs.job.permissions, { contents: "read" });
  }
  assert.deepEqual(steps.jobs.job.steps, [{ uses: "./", with: { workers: 0 } }]);
  assert.deepEqual(later.jobs.job.steps, [{ uses: "./", id: "cluster" }, { run: "echo" }]);
});
