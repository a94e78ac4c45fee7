import assert from "node:assert/strict";
import { link, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { checkNames, loadImageArchives, readImageArchive, readImageNames } from "../../../src/inputs/image-archives.ts";
import { readTarEntries } from "../../../src/inputs/tar-entries.ts";
import type { ImageSource } from "../../../src/values/image-sources.ts";
import { makeFolder, only } from "../builders.ts";
import { dockerManifest, ociLayout, packTar } from "./archives.ts";

const NAME = "io.containerd.image.name";
const REF = "org.opencontainers.image.ref.name";

test("the images of an archive in Docker's form are known by its manifest", async (context) => {
  const file = join(await makeFolder(context), "images.tar");
  await packTar(file, {
    "0-layer": "x".repeat(5000),
    "manifest.json": dockerManifest(["my-app:1", "my-app:2"], ["r.example:5000/a/b:c"], ["my-app:1"]),
  });
  assert.deepEqual(await readImageArchive(file), { value: ["my-app:1", "my-app:2", "r.example:5000/a/b:c"] });
});

test("in OCI layout by its index, and where both forms are there, by OCI's, as containerd reads it", async (context) => {
  const file = join(await makeFolder(context), "images.tar");
  const manifest = { "manifest.json": dockerManifest(["other:1"]) };
  const named = [{ [NAME]: "docker.io/library/a:1", [REF]: "1" }, { [REF]: "ghcr.io/a/b:2" }];
  await packTar(file, { ...ociLayout(...named), ...manifest, "blobs/sha256/1": "x" });
  assert.deepEqual(await readImageArchive(file), { value: ["docker.io/library/a:1", "ghcr.io/a/b:2"] });
  // Without its mark it is no layout.
  const { "index.json": index } = ociLayout(...named);
  await packTar(file, { "index.json": index, ...manifest });
  assert.deepEqual(await readImageArchive(file), { value: ["other:1"] });
});

test("every form of tar that is in use is read, with names longer than a header", async (context) => {
  const file = join(await makeFolder(context), "images.tar");
  const long = `blobs/${"n".repeat(60)}/${"m".repeat(60)}`;
  for (const format of ["gnu", "pax", "ustar", "v7"]) {
    const files = format === "v7" ? {} : { [long]: "x".repeat(600) };
    await packTar(file, { ...files, "manifest.json": dockerManifest(["a:1"]) }, `--format=${format}`);
    assert.deepEqual(await readImageArchive(file), { value: ["a:1"] }, format);
    const names: string[] = [];
    for await (const { name } of readTarEntries(file)) names.push(name);
    assert.deepEqual(names, [...Object.keys(files), "manifest.json"], format);
  }
});

test("what is not a whole archive of images with names is refused with the reason", async (context) => {
  const folder = await makeFolder(context);
  const file = join(folder, "images.tar");
  const refused = async (reason: RegExp) => {
    const read = await readImageArchive(file);
    assert.ok("issue" in read);
    assert.match(read.issue.reason, reason);
  };
  await writeFile(file, "");
  await refused(/^is not a tar archive$/);
  await writeFile(file, "not a tar".repeat(200));
  await refused(/^is not a tar archive$/);
  await packTar(file, { "hello.txt": "hello" });
  await refused(/^is not an archive of images$/);
  for (const manifest of ["{", "[]", "{}", [{ RepoTags: ["a:1"] }], [1]]) {
    await packTar(file, { "manifest.json": manifest });
    await refused(/^is not an archive of images$/);
  }
  await packTar(file, { "oci-layout": {}, "index.json": { schemaVersion: 2, manifests: [] } });
  await refused(/^is not an archive of images$/);
  for (const names of [null, []]) {
    await packTar(file, { "manifest.json": dockerManifest(["a:1"], names) });
    await refused(/^has an image without a name/);
  }
  await packTar(file, ociLayout({ [REF]: "latest" }));
  await refused(/^has an image without a name/);
  await packTar(file, ociLayout(undefined));
  await refused(/^has an image without a name/);
  await packTar(file, ociLayout({ [NAME]: "--all\n/x:1" }));
  await refused(/^has an image that no pod could use under its name: --all\\u\{a\}\/x:1$/);
  // containerd would keep it under this name, and look for docker.io/library/a:1.
  await packTar(file, ociLayout({ [REF]: "a:1" }));
  await refused(/^has an image that no pod could use under its name: a:1$/);
  await packTar(file, { blob: "x".repeat(100_000), "manifest.json": dockerManifest(["a:1"]) });
  await truncate(file, 50_000);
  await refused(/^is a tar archive that ends too early$/);
});

test("whatever an archive says of its images, it is read or refused", () => {
  fc.assert(
    fc.property(
      fc.option(fc.json(), { nil: undefined }),
      fc.option(fc.json(), { nil: undefined }),
      (manifest, index) => {
        const read = readImageNames({ manifest, index });
        if ("value" in read) assert.ok(read.value.length > 0);
      },
    ),
  );
});

test("a byte that differs makes an archive refused or names of the same form, and never anything else", async (context) => {
  const folder = await makeFolder(context);
  const good = join(folder, "good.tar");
  await packTar(good, { "manifest.json": dockerManifest(["a:1"]) });
  const bytes = await readFile(good);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1024 }), fc.nat({ max: 255 }), async (at, value) => {
      const file = join(folder, "changed.tar");
      await writeFile(file, Buffer.concat([bytes.subarray(0, at), Buffer.of(value), bytes.subarray(at + 1)]));
      const read = await readImageArchive(file);
      assert.ok("issue" in read || read.value.every((name) => /^[\w./-]+:[\w.-]+$/.test(name)));
    }),
    { numRuns: 200 },
  );
});

test("each archive of load-images that is wrong is a problem, and one named twice is read once", async (context) => {
  const workspace = await makeFolder(context);
  const [good, missing, wrong] = ["good.tar", "missing.tar", "wrong.tar"].map((name) => join(workspace, name));
  assert.ok(good !== undefined && missing !== undefined && wrong !== undefined);
  await packTar(good, { "manifest.json": dockerManifest(["a:1"]) });
  await link(good, join(workspace, "linked.tar"));
  await writeFile(wrong, "x".repeat(600));
  const sources = [good, missing, wrong, good].map((path): ImageSource => ({ kind: "archive", path }));
  const { imageArchives, problems } = await loadImageArchives({ loadImages: sources }, { workspace, temp: workspace });
  assert.deepEqual(imageArchives, [{ path: good, images: ["a:1"] }]);
  assert.deepEqual(
    problems.map(({ input, value, reason }) => [input, value, reason]),
    [
      ["load-images", missing, "does not exist"],
      ["load-images", wrong, "is not a tar archive"],
    ],
  );
});

test("an image from two sources is a problem, however its name is written", () => {
  const sources: readonly ImageSource[] = [{ kind: "reference", reference: "my-app:1" }];
  const archive = (path: string, ...images: readonly string[]) => ({ path, images });
  assert.deepEqual(checkNames(sources, [archive("/a.tar", "my-app:2"), archive("/b.tar", "x.example/my-app:1")]), []);
  const problem = only(checkNames(sources, [archive("/a.tar", "docker.io/library/my-app:1")]));
  assert.match(problem.reason, /docker\.io\/library\/my-app:1, which is to come from the job's Docker too/);
  assert.match(
    only(checkNames([], [archive("/a.tar", "x:1"), archive("/b.tar", "x:1")])).reason,
    /which is to come from \/a\.tar too/,
  );
});
