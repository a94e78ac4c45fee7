import assert from "node:assert/strict";
import { readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { strToU8, zipSync } from "fflate";
import { checkPlans, readPlans } from "../../../../src/torch/checkout/bpmn-plans.ts";
import { makeFolder, only } from "../../builders.ts";

const PLAN =
  '<?xml version="1.0"?>\n<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process/></definitions>';
const PREFIXED = "<bpmn2:definitions><bpmn2:process/></bpmn2:definitions>";
const PAGE = "\n\n<!DOCTYPE html>\n<html><body>Sign in</body></html>";

const pack = (files: Readonly<Record<string, string>>) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));

test("plans that the engine accepts are accepted, whatever lies beside them", async () => {
  const zips: readonly Readonly<Record<string, string>>[] = [
    { "a.bpmn20.xml": PLAN },
    { "a.bpmn20.xml": PLAN, "b.bpmn": PREFIXED, "folder/c.BPMN20.XML": PLAN },
    { "a.bpmn20.xml": PLAN, "README.md": "not BPMN", "logo.xml": "<svg/>", "empty/": "" },
  ];
  for (const files of zips) assert.deepEqual(checkPlans("/x/plans.zip", pack(files)), [], Object.keys(files).join());
  const example = join(import.meta.dirname, "../../../fixtures/torch_v2/examples/simple-server-and-georef/docker");
  const path = join(example, "bpmn_plans_v2_3_8.zip");
  assert.deepEqual(checkPlans(path, await readFile(path)), []);
});

test("a zip that the engine would refuse is refused with the file, and how it begins", () => {
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
  const cases: readonly (readonly [string, Uint8Array, RegExp, RegExp])[] = [
    ["a pointer of Git LFS", strToU8(pointer), /is a Git LFS pointer/, /lfs: true/],
    ["not a zip", strToU8("<html>"), /is not a zip archive/, /zip/],
    ["cut off", pack({ "a.bpmn20.xml": PLAN }).subarray(0, 60), /is not a zip archive/, /zip/],
    ["no plan", pack({ "a.txt": PLAN, "b.xml": PLAN }), /does not contain a \*\.bpmn20\.xml file/, /the zip's root/],
    ["empty", zipSync({}), /does not contain a \*\.bpmn20\.xml file/, /the zip's root/],
    [
      "a page",
      pack({ "a.bpmn20.xml": PLAN, "d/b.bpmn20.xml": PAGE }),
      /^contains d\/b\.bpmn20\.xml, which is not BPMN \(it begins with "<!DOCTYPE html> <html><body>Sign in<\/body><\/htm.*"\)$/,
      /fix that file/,
    ],
    ["a pointer in it", pack({ "a.bpmn20.xml": pointer }), /a\.bpmn20\.xml, which is not BPMN .*git-lfs/, /fix/],
    ["an empty file", pack({ "a.bpmn20.xml": "" }), /a\.bpmn20\.xml, which is not BPMN \(it begins with ""\)/, /fix/],
    ["two", pack({ "a.bpmn": PAGE, "b.bpmn": PAGE, "c.bpmn": PLAN }), /contains a\.bpmn, which .*, and 1 more/, /fix/],
  ];
  for (const [what, zip, reason, fix] of cases) {
    const problem = only(checkPlans("/x/plans.zip", zip));
    assert.deepEqual([problem.input, problem.value], ["torch-bpmn-plans", "/x/plans.zip"]);
    assert.match(problem.reason, reason, what);
    assert.match(problem.fix, fix, what);
  }
});

test("no bytes make the check throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 300 }), (noise, at) => {
      const bytes = Uint8Array.from(pack({ "a.bpmn20.xml": PLAN }));
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
      checkPlans("/x/plans.zip", bytes);
      checkPlans("/x/plans.zip", noise);
    }),
  );
});

test("the checked bytes are kept, whatever the path leads to later", async (context) => {
  const path = join(await makeFolder(context), "plans.zip");
  const zip = pack({ "a.bpmn20.xml": PLAN });
  await writeFile(path, zip);
  const read = await readPlans(path);
  await rm(path);
  await symlink("/proc/self/environ", path);
  assert.ok("bytes" in read);
  assert.deepEqual(Uint8Array.from(read.bytes), zip);
  const later = await readPlans(path);
  assert.ok("problems" in later);
});
