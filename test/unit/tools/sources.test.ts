import assert from "node:assert/strict";
import { test } from "node:test";
import { toolSource, voucherFor } from "../../../src/tools/sources.ts";

test("tools have the official paths, at the origin or at a mirror", () => {
  const kind = toolSource("kind", "0.25.0", "arm64", "http://127.0.0.1:1/kind");
  assert.equal(kind.url, "http://127.0.0.1:1/kind/v0.25.0/kind-linux-arm64");
  assert.equal(kind.checksumUrl, `${kind.url}.sha256sum`);
  assert.equal(voucherFor("kind", kind.url), "nothing");
  const kubectl = toolSource("kubectl", "1.28.15", "amd64", undefined);
  assert.ok(kubectl.url.startsWith("https://") && kubectl.url.endsWith("/v1.28.15/bin/linux/amd64/kubectl"));
  assert.equal(kubectl.checksumUrl, `${kubectl.url}.sha256`);
  assert.equal(voucherFor("kubectl", kubectl.url), "origin");
});

test("the whole address decides what vouches for a download", () => {
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
