import assert from "node:assert/strict";
import { rm, symlink, writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { checkCredentialsPlace } from "../../../../src/torch/compose/credentials-place.ts";
import { makeMachine } from "./machine.ts";

/** A machine, and what is reported of credentials in one of its folders while compose files have these mounts. */
async function makePlace(context: TestContext) {
  const { at, checkout } = await makeMachine(context);
  const place = async (directory: string, mounts: readonly string[] = []) => {
    const files = ["ca.crt", "t-signed.crt", "t.key"];
    const credentials = { input: "credentials-directory", directory: at(directory), files } as const;
    const problems = await checkCredentialsPlace(checkout(mounts.map((each) => at(each))), credentials);
    assert.ok(problems.every(({ input, value }) => input === "credentials-directory" && value === at(directory)));
    return problems.map(({ reason }) => reason).join("\n");
  };
  return { at, place };
}

test("credentials through a link into a build context that is made later are refused", async (context) => {
  const { at, place } = await makePlace(context);
  await symlink(at("ws/torch"), at("ws/keys"));
  assert.match(
    await place("ws/keys/service-layer/new/folder"),
    /^is in the folder that the dashboard's image is built/,
  );
  await symlink("torch/service-layer/later", at("ws/dangling"));
  assert.match(await place("ws/dangling/x"), /is built from/);
  assert.match(await place("ws/torch/service-layer"), /is built from/);
  assert.equal(await place("ws/torch/service-layer-2/keys"), "");
  // The context itself may be the one behind a link.
  await rm(at("ws/torch/service-layer"), { recursive: true });
  await symlink(at("ws/other"), at("ws/torch/service-layer"));
  assert.match(await place("ws/other/keys"), /is built from, .*ws\/other$/m);
});

test("credentials in what a container sees, can replace or is given are refused", async (context) => {
  const { at, place } = await makePlace(context);
  const mounts = ["ws/torch/data"];
  assert.match(
    await place("ws/torch/data/keys", mounts),
    /^is in a folder that a container can see: dashboard\.yaml: services\.web/,
  );
  await symlink(at("ws/torch/data"), at("ws/seen"));
  assert.match(await place("ws/seen/a/b", mounts), /a container can see/);
  // The mount may lead there through a link as well, also through one that comes later.
  await symlink(at("ws/later"), at("ws/torch/linked"));
  assert.match(await place("ws/later/keys", ["ws/torch/linked"]), /a container can see: .* mounts .*ws\/later/);
  await symlink(at("ws/other"), at("ws/torch/data/link"));
  assert.match(
    await place("ws/torch/data/link/keys", mounts),
    /leads through the link .*, which a container can change/,
  );
  await writeFile(at("ws/other/t.key"), "");
  assert.match(await place("ws/other", ["ws/other/t.key"]), /contains what .* mounts: .*t\.key/);
  assert.equal(await place("ws/other", mounts), "");
  assert.equal(await place("ws", mounts), "");
});
