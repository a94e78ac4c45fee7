import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChecksum } from "../../../src/tools/checksum.ts";

const SUM = "0123456789abcdef".repeat(4);
const OTHER = "f".repeat(64);

test("a checksum is read in each of the forms that are published", () => {
  const texts = [
    SUM,
    `${SUM}\n`,
    `${SUM}\r\n`,
    SUM.toUpperCase(),
    `${SUM}  kind-linux-amd64\n`,
    `${SUM} *kind-linux-amd64\n`,
    `${SUM}  ./bin/kind-linux-amd64\n`,
    `${OTHER}  kind-linux-arm64\n${SUM}  kind-linux-amd64\n`,
  ];
  for (const text of texts) assert.equal(parseChecksum(text, "kind-linux-amd64"), SUM, JSON.stringify(text));
});

test("anything but a checksum of the file is rejected", () => {
  const texts = [
    "",
    "\n",
    "<html><body>503 Service Unavailable</body></html>",
    `<html>${SUM}</html>`,
    `${SUM}  kind-linux-arm64\n`,
    `${SUM}  kind-linux-amd64-extra\n`,
    `${SUM}  xkind-linux-amd64\n`,
    `${SUM}\n${OTHER}\n`,
    SUM.slice(1),
    `${SUM}0`,
    `0x${SUM.slice(2)}`,
    `${SUM.slice(1)}g`,
    `${SUM.slice(1)}０`,
    `sha256:${SUM}`,
    "\0".repeat(64),
  ];
  for (const text of texts) assert.equal(parseChecksum(text, "kind-linux-amd64"), undefined, JSON.stringify(text));
});

test("an accepted checksum is always 64 hex digits from the text", () => {
  const line = fc.tuple(
    fc.constantFrom(SUM, OTHER, "x", ""),
    fc.constantFrom(" ", "  ", "\t"),
    fc.constantFrom("f", "g/f", ""),
  );
  const lines = fc.array(line.map((parts) => parts.join(""))).map((all) => all.join("\n"));
  fc.assert(
    fc.property(fc.oneof(fc.string(), lines), (text) => {
      const sum = parseChecksum(text, "f");
      if (sum === undefined) return;
      assert.match(sum, /^[0-9a-f]{64}$/);
      assert.ok(text.toLowerCase().includes(sum));
    }),
  );
});
