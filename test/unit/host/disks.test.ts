import assert from "node:assert/strict";
import { test } from "node:test";
import { measureDisks, readContainerdRoot } from "../../../src/host/disks.ts";
import { makeFolder } from "../builders.ts";

test("the disk of images and that of volumes are measured separately", async (context) => {
  const dataRoot = await makeFolder(context);
  const engine = { dataRoot, imageStore: undefined };
  const local = await measureDisks(engine);
  assert.deepEqual([local.images?.folder, local.volumes], [dataRoot, undefined]);
  // Docker's folder is not where a containerd of its own keeps the images.
  const apart = await measureDisks({ dataRoot: "/proc", imageStore: "/run/containerd/containerd.sock" });
  assert.notEqual(apart.images?.folder, "/proc");
  assert.equal(apart.volumes?.folder, "/proc");
});

test("a containerd keeps its data where its configuration says, or in its default folder", () => {
  for (const [configuration, root] of [
    ["", "/var/lib/containerd"],
    ['#root = "/x"\nversion = 3\n[grpc]\nroot = "/y"\n', "/var/lib/containerd"],
    ["version = 2\nroot = '/mnt/containerd'\n[grpc]\n", "/mnt/containerd"],
  ] as const) {
    assert.equal(readContainerdRoot(configuration), root, configuration);
  }
});
