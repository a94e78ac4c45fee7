import assert from "node:assert/strict";
import { test } from "node:test";
import { describeError, Failure, InputError, withSystemFix } from "../../src/errors.ts";

test("anything thrown has a text, and a failure's fix is part of it", () => {
  assert.match(describeError(new Failure("It broke.", { fix: "repair it" })), /It broke\.\n.*repair it/);
  for (const thrown of ["text", 5, null, undefined, new Error("x"), Symbol("s"), { a: 1 }]) {
    assert.notEqual(describeError(thrown), "");
  }
});

test("what Docker's client says of its engine, and of its networks, gets a fix", () => {
  for (const words of [
    "listing: docker failed with exit code 1: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
    "inspecting: docker failed with exit code 1: error during connect: Get http://x: EOF",
    "compose: Error response from daemon: all predefined address pools have been fully subnetted",
  ]) {
    assert.match(describeError(withSystemFix(new Error(words))), /^[^\n]*\nFix: \S/);
  }
});

test("an error of the system gets a fix, and one that has its own keeps it", () => {
  const system = (code: string) => Object.assign(new Error(`${code}: words, open '/x'`), { code });
  for (const code of ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "ENOENT", "ENOTDIR"]) {
    assert.match(describeError(withSystemFix(system(code))), new RegExp(`^${code}: words, open '/x'\\nFix: \\S`));
  }
  for (const other of [withSystemFix(system("ENOSPC")), system("EINVAL"), new Error("x"), "text"]) {
    assert.equal(withSystemFix(other), other);
  }
});

test("of very many problems the first ones are described, and the others counted", () => {
  const problems = Array.from({ length: 4000 }, (_, index) => ({
    input: "cni-manifests",
    value: `${index}.yaml`,
    reason: "does not exist",
    allowed: "a file",
    fix: "check the path",
  }));
  const lines = new InputError(problems).message.split("\n");
  assert.equal(lines.length, 51);
  assert.match(lines[49] ?? "", /"49\.yaml"/);
  assert.match(lines[50] ?? "", /^3950 more problems\. Fix: /);
  assert.equal(new InputError(problems.slice(0, 50)).message.split("\n").length, 50);
});
