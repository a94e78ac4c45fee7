import assert from "node:assert/strict";
import { test } from "node:test";
import { selectDigest } from "../../../src/docker/images.ts";
import { listDigests } from "../../../src/versions/catalog.ts";
import { CATALOG, digest } from "../builders.ts";

test("an image by its tag gets the digest of its own repository", () => {
  const of = (image: string, ...digests: readonly string[]) => selectDigest(image, digests, undefined);
  const one = digest("a1");
  assert.equal(of("kindest/node:v1.28.15", `kindest/node@${one}`), `kindest/node:v1.28.15@${one}`);
  assert.equal(of("docker.io/kindest/node:v1", `kindest/node@${one}`), `docker.io/kindest/node:v1@${one}`);
  assert.equal(
    of("127.0.0.1:5000/node:v1", `other/node@${digest("b")}`, `127.0.0.1:5000/node@${one}`),
    `127.0.0.1:5000/node:v1@${one}`,
  );
  assert.equal(of("mine/node:v1"), undefined);
  assert.equal(of("mine/node:v1", `other/node@${one}`), undefined);
  assert.equal(of(`mine/node:v1@${one}`), `mine/node:v1@${one}`);
});

test("an image that was here before gets a digest only if the catalog lists it", () => {
  const [one, other] = [digest("a1"), digest("b2")];
  const digests = [`kindest/node@${other}`, `kindest/node@${one}`];
  assert.equal(selectDigest("kindest/node:v1", digests, new Set([one])), `kindest/node:v1@${one}`);
  // With containerd's image store what was built here has a digest that no registry has.
  assert.equal(selectDigest("kindest/node:v1", digests, new Set()), undefined);
  assert.equal(selectDigest("mine/node:v1", [`mine/node@${one}`], new Set([other])), undefined);
  assert.ok(listDigests(CATALOG).has(digest("b3")));
  assert.ok(!listDigests(CATALOG).has(digest("c1")));
});
