// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of compose and of buildx are written in text.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkModel, resolveArguments } from "../../../../src/torch/checkout/read.ts";
import {
  isRunnerVariable,
  isSecretVariable,
  planStandIns,
  selectRefused,
} from "../../../../src/torch/compose/reserved.ts";

test("the runner's variables and secrets are known by their names", () => {
  const runner = ["ACTIONS_RUNTIME_TOKEN", "ACTIONS_CACHE_URL", "INPUT_KIND", "STATE_x", "GITHUB_TOKEN", "GH_TOKEN"];
  assert.deepEqual(runner.filter(isRunnerVariable), runner);
  const secret = [
    "NPM_TOKEN",
    "DB_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "CLIENT_SECRET",
    "APIKEY",
    "GH_PAT",
    "KEY",
    "SSH_PASSPHRASE",
    "npm_token",
    "AZURE_CREDENTIALS",
  ];
  assert.deepEqual(secret.filter(isSecretVariable), secret);
  const plain = [
    "PATH",
    "HOME",
    "HTTP_PROXY",
    "GITHUB_SHA",
    "VERSION",
    "KEYBOARD",
    "MONKEY",
    "TOKENS_PER_CALL",
    "TOMCAT_PAT_H",
  ];
  assert.deepEqual(
    plain.filter((name) => isRunnerVariable(name) || isSecretVariable(name)),
    [],
  );
});

test("a variable is found wherever a model has it, and in the model's place a person can go to", () => {
  const standIns = planStandIns(
    { GITHUB_TOKEN: "ghs", DB_PASSWORD: "p", PATH: "/bin", GH_TOKEN: "" },
    "secrets too",
    "0a",
  );
  const { GITHUB_TOKEN: token = "", DB_PASSWORD: password = "", ...others } = standIns.environment;
  const [marker = ""] = Object.values(others);
  assert.equal(Object.keys(others).length, 1, "only what is set is withheld");
  const model = {
    name: "x",
    services: {
      a: { build: { args: { A: `-${password}-` } }, environment: { B: password, C: token }, labels: { [token]: "" } },
    },
  };
  assert.deepEqual(standIns.find(model), [
    { name: "DB_PASSWORD", path: ["services", "a", "build", "args", "A"] },
    { name: "DB_PASSWORD", path: ["services", "a", "environment", "B"] },
    { name: "GITHUB_TOKEN", path: ["services", "a", "environment", "C"] },
    { name: "GITHUB_TOKEN", path: ["services", "a", "labels"] },
  ]);
  assert.deepEqual(
    selectRefused(standIns.find(model)).map(({ path }) => path.at(-1)),
    ["A", "C", "labels"],
  );
  assert.deepEqual(standIns.find({ all: `${marker}\0${token}` }), [{ name: undefined, path: ["all"] }]);
  assert.equal(standIns.name(`port ${token} is wrong`), "port ${GITHUB_TOKEN} is wrong");
});

test("every withheld variable is told from every other", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,4}_TOKEN$/), { maxLength: 40 }), (names) => {
      const standIns = planStandIns(Object.fromEntries(names.map((name) => [name, "x"])), "secrets too", "ff");
      for (const name of names) {
        assert.deepEqual(standIns.find([`a${standIns.environment[name]}1`]), [{ name, path: ["0"] }]);
      }
    }),
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
