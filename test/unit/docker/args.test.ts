import assert from "node:assert/strict";
import { test } from "node:test";
import { isMissing } from "../../../src/docker/client.ts";
import { composeUpArgs } from "../../../src/docker/compose.ts";
import { logArgs } from "../../../src/docker/container-logs.ts";
import { execArgs, listArgs, nameFilter } from "../../../src/docker/containers.ts";
import { CommandError } from "../../../src/exec.ts";

test("containers are listed whether they run or not, by every filter", () => {
  assert.deepEqual(listArgs([nameFilter("a"), "label=b=c"], "--quiet"), [
    ...["ps", "--all", "--quiet", "--filter=name=^/?a$", "--filter=label=b=c"],
  ]);
});

test("a container's log is read from its end, or since a time", () => {
  assert.deepEqual(logArgs("c", { tail: 20 }), ["logs", "--tail", "20", "c"]);
  const since = "2026-11-25T09:00:00Z";
  assert.deepEqual(logArgs("c", { since }, "--timestamps"), ["logs", "--timestamps", "--since", since, "c"]);
});

test("a command in a container is passed on as it is", () => {
  assert.deepEqual(execArgs("c", ["sh", "-c", 'echo "$1"', "sh", "a b"]), [
    ...["exec", "c", "sh", "-c", 'echo "$1"', "sh", "a b"],
  ]);
});

test("Compose starts a project from its own file, without builds, pulls or another project's environment", () => {
  assert.deepEqual(composeUpArgs({ file: "/run/compose.json", name: "p", directory: "/run" }), [
    ...["compose", "--file=/run/compose.json", "--project-name=p", "--project-directory=/run", "--env-file=/dev/null"],
    ...["up", "--detach", "--no-build", "--force-recreate", "--pull=never"],
  ]);
});

test("an object is missing only if Docker says so", () => {
  const failed = (stderr: string) => new CommandError("failed", { exitCode: 1, stdout: "", stderr });
  for (const [kind, words] of [
    ["container", "Error: No such object: c"],
    ["container", "Error response from daemon: No such container: c"],
    ["image", "Error response from daemon: No such image: i"],
    ["network", "Error response from daemon: network n not found"],
    ["network", "Error: No such network: n"],
  ] as const) {
    assert.ok(isMissing(kind, failed(words)), words);
    assert.ok(!isMissing(kind, new Error(words)), words);
    assert.ok(!isMissing(kind, failed("Cannot connect to the Docker daemon")), kind);
  }
});
