import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { registryMirror } from "../../../src/values/mirrors.ts";
import { readValue } from "../builders.ts";

test("a registry and the URL of its mirror", () => {
  const cases = {
    "docker.io=https://mirror.example": { registry: "docker.io", url: "https://mirror.example" },
    "ghcr.io = https://mirror.example/v2/ghcr/": { registry: "ghcr.io", url: "https://mirror.example/v2/ghcr" },
    "registry.example:5000=http://10.0.0.1:5000": { registry: "registry.example:5000", url: "http://10.0.0.1:5000" },
    "registry:5000=http://cache:5000": { registry: "registry:5000", url: "http://cache:5000" },
    "localhost=http://cache:5000": { registry: "localhost", url: "http://cache:5000" },
  };
  for (const [text, value] of Object.entries(cases)) assert.deepEqual(readValue(registryMirror(text)), value, text);
});

test("what is not a registry with a mirror", () => {
  const wrong = [
    "https://mirror.example",
    "docker.io",
    "docker.io=",
    "=https://mirror.example",
    "docker.io=mirror.example",
    "docker.io=ftp://mirror.example",
    "docker.io=https://user:password@mirror.example",
    "docker.io=https://mirror.example?a=b",
    "library/nginx=https://mirror.example",
    "hub=https://mirror.example",
    "../etc=https://mirror.example",
    "_default=https://mirror.example",
    "index.docker.io=https://mirror.example",
    "Docker.io=https://mirror.example",
    "docker.io:=https://mirror.example",
  ];
  for (const text of wrong) assert.equal(readValue(registryMirror(text)), undefined, text);
});

test("whatever is accepted is the name of a folder, and a URL", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl().map((url) => `docker.io=${url}`),
      ),
      (text) => {
        const value = readValue(registryMirror(text));
        if (value === undefined) return;
        assert.match(value.registry, /^[a-z0-9][a-z0-9.:-]*$/);
        assert.ok(!value.registry.includes("..") && URL.canParse(value.url));
      },
    ),
  );
});
