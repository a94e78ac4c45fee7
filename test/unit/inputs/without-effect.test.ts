import assert from "node:assert/strict";
import { test } from "node:test";
import { readDefaults } from "../../../scripts/local/action.ts";
import { readInputs } from "../../../src/inputs/inputs.ts";
import { checkInstallOnly } from "../../../src/inputs/without-effect.ts";
import { environmentOf, FOLDERS, only } from "../builders.ts";

const DEFAULTS = await readDefaults({ "job.status": "success", "strategy.job-index": "0" });
const check = (inputs: Readonly<Record<string, string>>) =>
  checkInstallOnly(environmentOf({ ...DEFAULTS, "install-only": "true", ...inputs }), FOLDERS);

/** A value other than the default for each input that is about a cluster. */
const OTHERWISE: Readonly<Record<string, string>> = {
  wait: "1m",
  attempts: "3",
  existing: "replace",
  rbac: "none",
  cleanup: "false",
  artifact: "false",
  logs: "never",
  torch: ".",
  "key-algorithm": "ecdsa-p256",
  "inotify-max-user-watches": "0",
  "cluster-name": "demo",
  "node-image": "kindest/node:v1.31.9",
};

test("the defaults that the runner passes, and the inputs about kind and kubectl, are not refused", () => {
  assert.deepEqual(check({}), []);
  const ours = { "kubernetes-version": "1.31", "kind-version": "0.25", "kubectl-version": "1.31", catalog: "c.json" };
  assert.deepEqual(check({ ...ours, "kind-mirror": "https://m.example", "kubectl-mirror": "https://m.example" }), []);
});

test("each input about a cluster is refused, all at once", () => {
  for (const [name, value] of Object.entries(OTHERWISE)) {
    const problem = only(check({ [name]: value }));
    assert.equal(problem.input, `${name} and install-only`);
    assert.equal(problem.value, value);
    assert.match(problem.fix, /^remove it, or remove install-only$/);
  }
  assert.deepEqual(
    check(OTHERWISE)
      .map(({ input }) => input.split(" and ")[0])
      .toSorted(),
    Object.keys(OTHERWISE).toSorted(),
  );
});

test("every input whose value differs from the default is refused if it is not about kind and kubectl", () => {
  const { declared } = readInputs({}, FOLDERS);
  const about = /^(?:install-only|kubernetes-version|k\w+-version|k\w+-mirror|catalog|job-status|matrix-index)$/;
  // A text that no input takes: its own problem gives way to the one that says to remove it.
  for (const name of [...declared].filter((each) => !about.test(each))) {
    const refused = check({ [name]: "\u0001" });
    assert.ok(
      refused.some(({ input }) => input === `${name} and install-only`) || name.startsWith("torch-"),
      `${name}: ${JSON.stringify(refused)}`,
    );
  }
});

test("an invalid value is not judged where the input must go, and is where it has an effect", () => {
  assert.match(only(check({ workers: "-1" })).reason, /has no effect/);
  assert.match(only(check({ "kind-version": "x" })).reason, /is not a version/);
});

test("no secret is shown", () => {
  const values = ["s3cret", "s3cret-long-enough", "https://me:s3cret@git.example/x"];
  for (const [index, name] of ["artifact-passphrase", "artifact-passphrase", "torch"].entries()) {
    assert.doesNotMatch(JSON.stringify(check({ [name]: values[index] ?? "" })), /s3cret/);
  }
});
