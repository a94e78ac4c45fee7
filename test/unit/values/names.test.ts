import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { artifactName, clusterName, userName } from "../../../src/values/names.ts";
import { readValue } from "../builders.ts";
import { HOSTILE } from "./hostile.ts";

test("a cluster's name is one that kind, Docker and Kubernetes accept in the names of nodes", () => {
  const good = ["a", "0", "bologna", "a-b", "a--b", "a.b", "ci-1.28", "a-", "a".repeat(63)];
  const bad = [
    "A",
    "a..b",
    ".a",
    "a.",
    "a-.b",
    "a.-b",
    "-a",
    "a_b",
    "a b",
    "a\n",
    "bölogna",
    "a/b",
    "..",
    "a".repeat(64),
    "K",
  ];
  for (const text of good) assert.equal(readValue(clusterName(text)), text);
  for (const text of [...HOSTILE.filter((item) => !/^(?:constructor|1e3|0x10|9+)$/.test(item)), ...bad]) {
    assert.equal(readValue(clusterName(text)), undefined, JSON.stringify(text));
  }
});

test("a user's name is safe as a file's name and in the name of a certificate request", () => {
  const good = ["torch", "t", "a.b", "a-b.c-d", "0", "a".repeat(63)];
  const bad = [
    "Torch",
    "a/b",
    "../a",
    "a..b",
    ".a",
    "a.",
    "-a",
    "a-",
    "a.-b",
    "a-.b",
    "system:admin",
    "a b",
    "a,b",
    "a=b",
  ];
  for (const text of good) assert.equal(readValue(userName(text)), text);
  for (const text of [...bad, "a".repeat(64), "törch"]) assert.equal(readValue(userName(text)), undefined, text);
});

test("every accepted user's name gives a name that Kubernetes accepts for an object", () => {
  const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const like = fc.string({ unit: fc.constantFrom(..."ab0.-"), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), like), (text) => {
      const user = readValue(userName(text));
      if (user !== undefined) assert.match(`${user}-0a1b2c3d`, subdomain);
    }),
    { numRuns: 1000 },
  );
});

test("an artifact's name has none of the characters that the service refuses", () => {
  assert.equal(readValue(artifactName("kind credentials (1)")), "kind credentials (1)");
  for (const text of [...'"<>|*?\r\n\\/:'].map((sign) => `a${sign}b`))
    assert.equal(readValue(artifactName(text)), undefined);
  assert.equal(readValue(artifactName("a".repeat(201))), undefined);
});
