import assert from "node:assert/strict";
import { test } from "node:test";
import { askArgs, describeStatus, describeUnanswered } from "../../../src/pulls/mirrors.ts";

test("a mirror's API root is asked", () => {
  assert.equal(askArgs("https://a.example").at(-1), "https://a.example/v2/");
  assert.equal(askArgs("https://a.example/hub").at(-1), "https://a.example/hub/v2/");
  assert.equal(askArgs("https://a.example/v2/hub").at(-1), "https://a.example/v2/hub/");
});

test("a registry answers, with or without a login", () => {
  for (const status of ["200", "401"]) assert.equal(describeStatus(status), undefined);
});

test("anything else is not a mirror, or one in trouble", () => {
  assert.match(describeStatus("404") ?? "", /is not a registry.*404/);
  assert.match(describeStatus("503") ?? "", /answers with HTTP 503/);
  assert.match(describeStatus("") ?? "", /is not a registry/);
});

test("a mirror that does not answer is described in curl's last words", () => {
  const words = "curl: (7) first\ncurl: (6) Could not resolve host: mirror.example\n";
  assert.equal(describeUnanswered(words), "does not answer the nodes: Could not resolve host: mirror.example");
});
