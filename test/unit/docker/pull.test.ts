import assert from "node:assert/strict";
import { test } from "node:test";
import { pullImage, readPullRefusal } from "../../../src/docker/pull.ts";

test("a registry's last word is distinguished from what may pass", () => {
  const limit =
    "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit";
  for (const [image, words, refusal] of [
    ["kindest/node:v1.28.15", `Error response from daemon: ${limit}`, "limit"],
    ["ubuntu", "toomanyrequests: Too Many Requests.", "limit"],
    ["docker.io/library/ubuntu:24.04", limit, "limit"],
    ["mirror.example:5000/kindest/node:v1", limit, "limit"],
    ["public.ecr.aws/x/y:1", "toomanyrequests: Rate exceeded", "busy"],
    ["quay.io/x/y:1", "received unexpected HTTP status: 429 Too Many Requests", "busy"],
    ["kindest/node:v9", "manifest for kindest/node:v9 not found: manifest unknown: manifest unknown", "no"],
    ["a/b", "pull access denied for a/b, repository does not exist or may require 'docker login': denied", "no"],
    ["ghcr.io/a/b", 'Head "https://ghcr.io/v2/a/b/manifests/latest": unauthorized', "no"],
    ["r.example/a", 'Get "https://r.example/v2/a/manifests/latest": no basic auth credentials', "no"],
    ["a/b", "no matching manifest for linux/arm64/v8 in the manifest list entries", "no"],
    ["a/b", "dial tcp: lookup registry-1.docker.io: no such host", "network"],
    ["a/b", "write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "disk"],
    ["a/b", "failed to register layer: symlink x /y: read-only file system", "disk"],
    ["a/b", "net/http: TLS handshake timeout", "network"],
    ["a/b", "received unexpected HTTP status: 503 Service Unavailable", "network"],
  ] as const) {
    assert.equal(readPullRefusal(image, words), refusal, words);
  }
});

test("the platform that a helper asks for is the one that is pulled", async () => {
  const asked = async (platform: string | undefined, again = false) => {
    const commands: (readonly string[])[] = [];
    await pullImage(
      "helper:1",
      async ({ args = [] }) => {
        commands.push(args);
        return { stdout: "linux/arm64/v8\n", stderr: "" };
      },
      () => undefined,
      { again, ...(platform === undefined ? {} : { platform }) },
    );
    return commands.filter(([command]) => command === "pull").map((args) => args.slice(1));
  };
  assert.deepEqual(await asked("linux/amd64"), [["--quiet", "--platform=linux/amd64", "helper:1"]]);
  assert.deepEqual(await asked("linux/arm64"), []);
  assert.deepEqual(await asked(undefined), []);
  assert.deepEqual(await asked(undefined, true), [["--quiet", "helper:1"]]);
});
