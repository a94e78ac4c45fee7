import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlatform } from "../../../src/docker/platforms.ts";

test("an image of another platform than the one that is asked for is another image", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["linux/amd64/", "linux/amd64", true],
    ["linux/amd64/", "linux/x86_64", true],
    ["linux/arm64/v8", "linux/arm64", true],
    ["linux/arm64/", "linux/aarch64/v8", true],
    ["linux/amd64/", "amd64", true],
    ["linux/amd64/", "linux", true],
    ["linux/arm64/", "linux/amd64", false],
    ["linux/arm/v6", "linux/arm/v7", false],
    ["windows/amd64/", "linux/amd64", false],
    ["linux/arm64/", "amd64", false],
  ];
  for (const [found, asked, same] of cases) assert.equal(isPlatform(found, asked), same, `${found} for ${asked}`);
});
