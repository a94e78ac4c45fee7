import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { imageSource } from "../../../src/values/image-sources.ts";
import { wholeName } from "../../../src/values/images.ts";
import { pathWithin } from "../../../src/values/paths.ts";
import { digest } from "../builders.ts";

const parse = imageSource(pathWithin(["/ws"]));

test("what ends in .tar is an archive, anything else the reference of an image with a tag", () => {
  assert.deepEqual(parse("build/images.tar"), { value: { kind: "archive", path: "/ws/build/images.tar" } });
  for (const reference of ["my-app:1", "localhost:5001/my-app:dev", "ghcr.io/a/b:1.2"]) {
    assert.deepEqual(parse(reference), { value: { kind: "reference", reference } });
  }
});

test("what cannot be loaded is refused with its reason", () => {
  for (const [text, reason] of [
    ["images.tar.gz", /compressed/],
    ["images.tgz", /compressed/],
    [`my-app:1@${digest("a")}`, /has a digest/],
    ["my-app", /is not an image reference with a tag/],
    ["--all:1", /is not an image reference/],
    ["../images.tar", /leads out of the workspace/],
  ] as const) {
    const parsed = parse(text);
    assert.ok("issue" in parsed, text);
    assert.match(parsed.issue.reason, reason);
  }
});

test("no text becomes an option of Docker's, or a path outside", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parse(text);
      if (!("value" in parsed)) return;
      if (parsed.value.kind === "archive") assert.match(parsed.value.path, /^\/ws\/.*\.tar$/s);
      else assert.match(parsed.value.reference, /^[a-zA-Z0-9]/);
    }),
  );
});

test("an image is the same one by its short name and by its whole one", () => {
  for (const [short, whole] of [
    ["a:1", "docker.io/library/a:1"],
    ["b/a:1", "docker.io/b/a:1"],
    ["docker.io/a:1", "docker.io/library/a:1"],
    ["index.docker.io/b/a:1", "docker.io/b/a:1"],
    ["localhost/a:1", "localhost/a:1"],
    ["r.example:5000/b/a:1", "r.example:5000/b/a:1"],
  ] as const) {
    assert.equal(wholeName(short), whole);
    assert.equal(wholeName(whole), whole);
  }
});
