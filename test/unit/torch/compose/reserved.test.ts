// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of compose and of buildx are written in text.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isRunnerVariable,
  isSecretVariable,
  planPlaceholders,
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
  const placeholders = planPlaceholders(
    { GITHUB_TOKEN: "ghs", DB_PASSWORD: "p", PATH: "/bin", GH_TOKEN: "" },
    "secrets too",
    "0a",
  );
  const { GITHUB_TOKEN: token = "", DB_PASSWORD: password = "", ...others } = placeholders.environment;
  const [marker = ""] = Object.values(others);
  assert.equal(Object.keys(others).length, 1, "only what is set is hidden");
  const model = {
    name: "x",
    services: {
      a: { build: { args: { A: `-${password}-` } }, environment: { B: password, C: token }, labels: { [token]: "" } },
    },
  };
  assert.deepEqual(placeholders.find(model), [
    { name: "DB_PASSWORD", path: ["services", "a", "build", "args", "A"] },
    { name: "DB_PASSWORD", path: ["services", "a", "environment", "B"] },
    { name: "GITHUB_TOKEN", path: ["services", "a", "environment", "C"] },
    { name: "GITHUB_TOKEN", path: ["services", "a", "labels"] },
  ]);
  assert.deepEqual(
    selectRefused(placeholders.find(model)).map(({ path }) => path.at(-1)),
    ["A", "C", "labels"],
  );
  assert.deepEqual(placeholders.find({ all: `${marker}\0${token}` }), [{ name: undefined, path: ["all"] }]);
  assert.equal(placeholders.name(`port ${token} is wrong`), "port ${GITHUB_TOKEN} is wrong");
});

test("every hidden variable is distinguished from every other", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,4}_TOKEN$/), { maxLength: 40 }), (names) => {
      const placeholders = planPlaceholders(Object.fromEntries(names.map((name) => [name, "x"])), "secrets too", "ff");
      for (const name of names) {
        assert.deepEqual(placeholders.find([`a${placeholders.environment[name]}1`]), [{ name, path: ["0"] }]);
      }
    }),
  );
});
