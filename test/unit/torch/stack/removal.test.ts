import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError, type Exec } from "../../../../src/exec.ts";
import { removeLabelled } from "../../../../src/torch/stack/removal.ts";

/** A stand-in for Docker's client: one network with the label, in which a job's container is, as long as it is. */
function engineWithMember(container: string): { readonly exec: Exec; readonly calls: string[] } {
  const calls: string[] = [];
  let isMember = true;
  const exec: Exec = async ({ args }) => {
    const words = args.join(" ");
    calls.push(words);
    if (words.startsWith("network ls")) return { stdout: "network-1\n", stderr: "" };
    if (words.endsWith(`network-1 ${container}`)) isMember = false;
    if (words === "network rm network-1" && isMember) {
      throw new CommandError("removing", { exitCode: 1, stdout: "", stderr: "network-1 has active endpoints" });
    }
    return { stdout: "", stderr: "" };
  };
  return { exec, calls };
}

test("the container of a step leaves the networks of an older cluster before they are removed", async () => {
  const { exec, calls } = engineWithMember("job");
  assert.deepEqual(await removeLabelled("a=b", exec, "job"), []);
  assert.equal(calls.at(-1), "network rm network-1");
});

test("a step that is in no container disconnects none", async () => {
  const { exec, calls } = engineWithMember("job");
  await assert.rejects(removeLabelled("a=b", exec), /removing/);
  assert.ok(!calls.some((call) => call.startsWith("network disconnect")));
});
