import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChecksum, toolSource, voucherFor } from "../../../src/tools/sources.ts";

const SUM = "0123456789abcdef".repeat(4);
const OTHER = "f".repeat(64);

test("tools lie under the official paths, at the origin or at a mirror", () => {
  const kind = toolSource("kind", "0.25.0", "arm64", "http://127.0.0.1:1/kind");
  assert.equal(kind.url, "http://127.0.0.1:1/kind/v0.25.0/kind-linux-arm64");
  assert.equal(kind.checksumUrl, `${kind.url}.sha256sum`);
  assert.equal(voucherFor("kind", kind.url), "nothing");
  const kubectl = toolSource("kubectl", "1.28.15", "amd64", undefined);
  assert.ok(kubectl.url.startsWith("https://") && kubectl.url.endsWith("/v1.28.15/bin/linux/amd64/kubectl"));
  assert.equal(kubectl.checksumUrl, `${kubectl.url}.sha256`);
  assert.equal(voucherFor("kubectl", kubectl.url), "origin");
});

test("who vouches for a download is told by its whole address", () => {
  const kinds: readonly (readonly [string, string])[] = [
    ["https://kind.sigs.k8s.io/dl/v0.25.0/kind-linux-amd64", "origin"],
    ["http://kind.sigs.k8s.io/dl/v0.25.0/kind-linux-amd64", "nothing"],
    ["https://kind.sigs.k8s.io.example/dl/v0.25.0/kind-linux-amd64", "mirror"],
    ["https://kind.sigs.k8s.io/dl-other/kind-linux-amd64", "mirror"],
    ["https://dl.k8s.io/release/v1.28.15/bin/linux/amd64/kubectl", "mirror"],
    ["HTTPS://mirror.example/kind", "mirror"],
    ["HTTP://mirror.example/kind", "nothing"],
  ];
  for (const [url, voucher] of kinds) assert.equal(voucherFor("kind", url), voucher, url);
});

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

test("what is no checksum of the file is none", () => {
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

test("what is taken for a checksum is always 64 hex digits out of the text", () => {
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
