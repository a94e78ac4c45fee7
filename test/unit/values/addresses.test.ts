import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { baseUrl, hostName, ipAddress } from "../../../src/values/addresses.ts";
import { readValue } from "../builders.ts";
import { HOSTILE } from "./hostile.ts";

test("a name for the certificate is a host name or an address", () => {
  const good = ["docker", "docker.example", "*.example.org", "10.0.0.1", "::1", "fd00::1", "a-b.c", "1password.com"];
  const bad = [
    "https://a",
    "a:6443",
    "a/b",
    "a b",
    "a_b",
    "-a",
    "a-",
    "a..b",
    ".a",
    "a.",
    "*",
    "*.*.a",
    "a.*",
    "[::1]",
  ];
  for (const text of good) assert.equal(readValue(hostName(text)), text);
  for (const text of [...bad, "10.0.0.1/24", "x".repeat(64), `${"a.".repeat(127)}a`, "bücher.example", "256.1.1.1"]) {
    assert.equal(readValue(hostName(text)), undefined, text);
  }
});

test("every accepted name for the certificate is one that kubeadm accepts", () => {
  // kubeadm: a lower-case DNS-1123 subdomain, a wildcard one, or what Go parses as an address (no zone).
  const subdomain = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const fixed = fc.constantFrom("Docker.Example", "fe80::1%eth0", "FE80::1", "LOCALHOST", "::ffff:127.0.0.1");
  const like = fc.string({ unit: fc.constantFrom(..."abAB01.-*:%"), maxLength: 10 });
  fc.assert(
    fc.property(fc.oneof(fixed, fc.domain(), fc.ipV4(), fc.ipV6(), like), (text) => {
      const name = readValue(hostName(text));
      if (name === undefined) return;
      assert.ok((isIP(name) !== 0 && !name.includes("%")) || (name.length <= 253 && subdomain.test(name)), name);
    }),
    { numRuns: 1000 },
  );
});

test("an address to listen on is written in digits, without a zone", () => {
  for (const text of ["127.0.0.1", "0.0.0.0", "::", "::1", "192.168.1.7"])
    assert.equal(readValue(ipAddress(text)), text);
  const bad = ["localhost", "127.1", "0127.0.0.1", "127.0.0.1:80", "256.0.0.1", "1.2.3", "2130706433", "fe80::1%eth0"];
  for (const text of [...HOSTILE, ...bad]) assert.equal(readValue(ipAddress(text)), undefined, JSON.stringify(text));
});

test("a base URL loses its trailing slashes", () => {
  assert.equal(readValue(baseUrl("https://mirror.example/dl//")), "https://mirror.example/dl");
  assert.equal(readValue(baseUrl("http://127.0.0.1:8080")), "http://127.0.0.1:8080");
  for (const text of [
    ...HOSTILE,
    "mirror.example/dl",
    "ftp://a/b",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://",
  ]) {
    assert.equal(readValue(baseUrl(text)), undefined, JSON.stringify(text));
  }
});

test("the official path under every accepted base URL stays the path's end", () => {
  const fixed = fc.constantFrom(
    "https://h?",
    "https://h#",
    "https://h/dl?",
    "https://h/dl/#",
    "https://h/a?b",
    "https://h/",
  );
  fc.assert(
    fc.property(fc.oneof(fixed, fc.webUrl({ withQueryParameters: true, withFragments: true })), (text) => {
      const base = readValue(baseUrl(text));
      if (base === undefined) return;
      const url = new URL(`${base}/v0.25.0/kind-linux-amd64`);
      assert.ok(url.pathname.endsWith("/v0.25.0/kind-linux-amd64"), url.href);
      assert.equal(url.search + url.hash, "");
    }),
  );
});
