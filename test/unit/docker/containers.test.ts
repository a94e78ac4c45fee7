import assert from "node:assert/strict";
import { test } from "node:test";
import { removeContainers } from "../../../src/docker/containers.ts";
import { CommandError } from "../../../src/exec.ts";

const OPTIONS = { timeoutSeconds: 60, purpose: "removing" };
/** As Docker 26 said it on a machine with a load of 30. */
const SLOW =
  'Error response from daemon: cannot remove container "/bologna-control-plane": could not kill: tried to kill container, but did not receive an exit event';

/** Removes a container through a docker that fails so many times with these words. @returns how often it was asked. */
async function removeThrough(failures: number, words: string): Promise<number> {
  let asked = 0;
  await removeContainers(["id"], OPTIONS, async ({ args }) => {
    asked += 1;
    assert.deepEqual(args, ["rm", "--force", "--volumes", "id"]);
    if (asked <= failures) throw new CommandError(words, { exitCode: 1, stdout: "", stderr: words });
    return { stdout: "", stderr: "" };
  });
  return asked;
}

test("a container that a busy machine is slow to end is removed at the next try", async () => {
  assert.equal(await removeThrough(0, SLOW), 1);
  assert.equal(await removeThrough(1, SLOW), 2);
});

test("a removal that Docker refuses for another reason is not tried again", async () => {
  await assert.rejects(removeThrough(1, "Error response from daemon: permission denied"), /permission denied/);
});

test("a removal that an engine cut off by its own end is tried again", async () => {
  for (const words of ["error during connect: Delete http://x/containers/id: EOF", "unexpected EOF"]) {
    assert.equal(await removeThrough(1, words), 2);
  }
});
