import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import { unzipSync } from "fflate";

const FIXTURE = join(import.meta.dirname, "../../fixtures/torch_v2");
const EXAMPLE = "examples/simple-server-and-georef";
const TWO = "examples/two-clusters";

/** The archives of the small TORCH-V2, and the folders that they are packed from. */
const archives: readonly (readonly [string, string])[] = [
  ["model/bpmn_plans_waiting.zip", "model/bpmn-plans-waiting"],
  [`${EXAMPLE}/docker/bpmn_plans_v2_3_8.zip`, "model/bpmn-plans"],
  [`${EXAMPLE}/simple-server-and-georef.zip`, `${EXAMPLE}/simple-server-and-georef`],
  [`${TWO}/docker/bpmn_plans_v2_3_8.zip`, "model/bpmn-plans"],
  [`${TWO}/two-clusters.zip`, `${TWO}/two-clusters`],
];
for (const [archive, sources] of archives) {
  test(`${archive} holds what lies in ${sources}`, async () => {
    const folder = join(FIXTURE, sources);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const packed = unzipSync(await readFile(join(FIXTURE, archive)));
    const names = Object.keys(packed).filter((name) => !name.endsWith("/"));
    assert.deepEqual(names.toSorted(), files.map((file) => relative(folder, file)).toSorted());
    for (const file of files) {
      assert.ok((await readFile(file)).equals(packed[relative(folder, file)] ?? new Uint8Array()), file);
    }
  });
}
