import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { hasFoundAll, listConnectors, parseConnectors } from "../../../../src/torch/checkout/connectors.ts";
import { FIXTURE } from "../../../e2e/torch.ts";
import { runBounded } from "../../bounded.ts";

describe("the connectors that a checkout lists", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "connectors-"));
  });
  after(() => rm(folder, { recursive: true }));
  const place = async (path: string, content: unknown) => {
    await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, path, "services.json"), JSON.stringify(content));
  };

  it("are those of the broker's services.json", async () => {
    const listed = await listConnectors(join(FIXTURE, "service-layer"));
    assert.deepEqual(listed, ["manual-kubernetes", "kubernetes", "kubernetes", "liqo", "kubernetes", "liqo"]);
  });

  it("are not known without the file or from two that differ, and not taken from the output of a build", async () => {
    assert.equal(await listConnectors(folder), undefined);
    await place("broker/target", [{ name: "old" }]);
    assert.equal(await listConnectors(folder), undefined);
    await place("broker/resources", [{ name: "a" }]);
    await place("broker/src/main/resources", [{ name: "a" }]);
    assert.deepEqual(await listConnectors(folder), ["a"]);
    await place("other", [{ name: "b" }]);
    assert.equal(await listConnectors(folder), undefined);
  });

  it("are read only from regular files of the checkout: no link out of it, device or pipe", async () => {
    const checkout = await mkdtemp(join(folder, "checkout-"));
    await writeFile(join(folder, "outside.json"), '[{"name": "a"}]');
    await symlink(join(folder, "outside.json"), join(checkout, "services.json"));
    assert.equal(await listConnectors(checkout), undefined);
    await rm(join(checkout, "services.json"));
    await writeFile(join(checkout, "list.json"), '[{"name": "a"}]');
    await symlink("list.json", join(checkout, "services.json"));
    assert.deepEqual(await listConnectors(checkout), ["a"]);
    const path = JSON.stringify(import.meta.resolve("../../../../src/torch/checkout/connectors.ts"));
    const look = `import { listConnectors } from ${path}; console.log(await listConnectors(${JSON.stringify(checkout)}));`;
    await rm(join(checkout, "services.json"));
    execFileSync("mkfifo", [join(checkout, "services.json")]);
    assert.equal(await runBounded(look), "undefined\n");
    await rm(join(checkout, "services.json"));
    await writeFile(join(checkout, "services.json"), JSON.stringify([{ name: "a".repeat(200_000) }]));
    assert.equal(await runBounded(look), "undefined\n");
    await rm(checkout, { recursive: true });
  });

  it("are not guessed from another form", () => {
    for (const text of ["", "[]", "{", '{"a": 1}', '["a"]', '[{"type": "du"}]', '[{"name": "a"}, {"type": "du"}]']) {
      assert.equal(parseConnectors(text), undefined, text);
    }
    fc.assert(
      fc.property(fc.json(), (text) => parseConnectors(text)?.every((name) => typeof name === "string") ?? true),
    );
  });

  it("are all found when each has its line, and as many as there are", () => {
    const listed = ["manual-kubernetes", "kubernetes", "kubernetes"];
    const found = ["InstantiateLocation-manual-kubernetes", "AddStorage-kubernetes"];
    assert.equal(hasFoundAll(found, listed), false);
    assert.equal(hasFoundAll([...found, "InstantiateDU-liqo"], [...listed.slice(0, 2), "openstack"]), false);
    assert.equal(hasFoundAll([...found, "InstantiateDU-kubernetes"], listed), true);
    assert.equal(hasFoundAll([...found, "InstantiateDU-kubernetes", "X-liqo"], listed), false);
    assert.equal(hasFoundAll(found, undefined), false);
  });
});
