import assert from "node:assert/strict";
import { test } from "node:test";
import { planPlatform, saveArgs } from "../../../src/docker/save.ts";

test("a platform is named where the images may have several, and engine and client know the option", () => {
  const engine = { version: "29.0.1", clientVersion: "28.2.2", imageStore: "" };
  assert.equal(planPlatform(engine, "arm64"), "linux/arm64");
  assert.equal(planPlatform({ ...engine, version: "26.1.5+dfsg1" }, "amd64"), undefined);
  assert.equal(planPlatform({ ...engine, clientVersion: "27.5.1" }, "amd64"), undefined);
  assert.equal(planPlatform({ ...engine, clientVersion: "" }, "amd64"), undefined);
  // Docker's own store has one platform of an image.
  assert.equal(planPlatform({ ...engine, imageStore: undefined }, "amd64"), undefined);
});

test("all images are saved as one archive", () => {
  assert.deepEqual(saveArgs(["a:1", "b:2"], "/f.tar", undefined), ["save", "--output=/f.tar", "a:1", "b:2"]);
  assert.deepEqual(saveArgs(["a:1"], "/f.tar", "linux/amd64"), [
    "save",
    "--output=/f.tar",
    "--platform=linux/amd64",
    "a:1",
  ]);
});
