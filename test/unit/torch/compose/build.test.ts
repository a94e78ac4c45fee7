import assert from "node:assert/strict";
import { test } from "node:test";
import { checkBuilds, readBuild, resolveArguments } from "../../../../src/torch/compose/build.ts";
import type { ComposeModel } from "../../../../src/torch/compose/model.ts";

test("what a build would lose is refused", () => {
  const check = (services: ComposeModel["services"]) =>
    checkBuilds({ model: { services }, service: "own", port: { target: 1, published: 1, own: true } })?.reason;
  const build = { context: "/a", dockerfile: "Dockerfile" };
  assert.equal(check({ own: {} }), undefined);
  assert.equal(check({ own: { build: { ...build, args: { A: null } } }, queue: { build } }), undefined);
  assert.match(check({ own: { build: { ...build, secrets: [] } } }) ?? "", /not passed on: secrets/);
  assert.match(
    check({ own: { build }, helper: { build: { context: "/b" } } }) ?? "",
    /other services that build an image: helper/,
  );
});

test("an argument without a value is the environment's, or left out", () => {
  const { args, issues } = resolveArguments(
    { A: "1", SET: null, UNSET: null, NPM_TOKEN: null },
    { SET: "s", A: "other" },
  );
  assert.deepEqual([args, issues], [{ A: "1", SET: "s" }, []]);
});

test("a reserved argument without a value is refused where the environment has it", () => {
  for (const name of ["ACTIONS_RUNTIME_TOKEN", "INPUT_X", "GITHUB_TOKEN", "NPM_TOKEN"]) {
    const { issues } = resolveArguments({ [name]: null }, { [name]: "secret" });
    const [issue] = issues;
    assert.match(issue?.reason ?? "", new RegExp(`reads ${name} from the step's environment.*build.args.${name}`));
    assert.doesNotMatch(JSON.stringify(issues), /secret"/);
    assert.deepEqual(resolveArguments({ [name]: "written" }, { [name]: "secret" }).issues, []);
  }
});

test("text that buildx would change is refused", () => {
  const { issues } = resolveArguments({ A: "e\u0301", B: "\u00e9" }, {});
  assert.deepEqual(
    issues.map(({ reason }) => /argument (\w+) /.exec(reason)?.[1]),
    ["A"],
  );
});

test("a build has single dollars again, and nothing of it is lost", () => {
  const args = { A$$B: "$$", C: null, constructor: "x" };
  assert.deepEqual(readBuild({ context: "/a$$b", dockerfile: "D", args, secrets: [] }), {
    context: "/a$b",
    dockerfile: "D",
    target: undefined,
    args: { A$B: "$", C: null, constructor: "x" },
  });
  assert.deepEqual(readBuild({}), { context: undefined, dockerfile: undefined, target: undefined, args: {} });
});
