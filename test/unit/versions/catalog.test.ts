import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import semver from "semver";
import { Failure } from "../../../src/errors.ts";
import { imageReference } from "../../../src/values/images.ts";
import { builtInCatalog, type Checksums, parseCatalog } from "../../../src/versions/catalog.ts";
import { only, readValue } from "../builders.ts";

const SUM = "a".repeat(64);
const image = { kubernetes: "1.28.15", image: "kindest/node:v1.28.15" };
const release = { version: "0.25.0", images: [image] };

function refusal(data: unknown): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  try {
    parseCatalog(text);
  } catch (error) {
    assert.ok(error instanceof Failure, `${error}`);
    return error.message;
  }
  return assert.fail(`was accepted: ${text}`);
}

test("a user's catalog is read, with the newest kind first", () => {
  const catalog = parseCatalog(
    JSON.stringify({
      kind: [
        { ...release, version: "0.9.0" },
        { ...release, version: "v0.25.0", loadBalancer: "lb:1", checksums: { "linux-amd64": SUM.toUpperCase() } },
      ],
    }),
  );
  assert.deepEqual(
    catalog.kind.map((entry) => entry.version),
    ["0.25.0", "0.9.0"],
  );
  assert.equal(catalog.kind[0]?.checksums["linux-amd64"], SUM);
  assert.equal(catalog.kind[0]?.loadBalancer, "lb:1");
  assert.deepEqual(catalog.kubectl, []);
});

test("the first wrong field is named by its path, with what it must be", () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ["", /not JSON/],
    ["{", /not JSON/],
    ["null", /^is not an object$/],
    ["[]", /^is not an object$/],
    ['"x"', /^is not an object$/],
    [{}, /^kind is missing$/],
    [{ kind: {} }, /^kind is not a list$/],
    [{ kind: [] }, /^kind does not list a release$/],
    [{ kind: [null] }, /^kind\[0\] is not an object$/],
    [{ kind: [release, []] }, /^kind\[1\] is not an object$/],
    [{ kind: [{ images: [] }] }, /^kind\[0\]\.version is missing$/],
    [
      { kind: [{ ...release, version: 0.25 }] },
      /^kind\[0\]\.version is not a string with a version such as 1\.28\.15$/,
    ],
    [{ kind: [{ ...release, version: "0.25" }] }, /^kind\[0\]\.version is not a version such as 1\.28\.15$/],
    [{ kind: [{ ...release, images: undefined }] }, /^kind\[0\]\.images is missing$/],
    [
      { kind: [{ ...release, images: [image, { ...image, kubernetes: "latest" }] }] },
      /^kind\[0\]\.images\[1\]\.kubernetes is not a version such as/,
    ],
    [{ kind: [{ ...release, images: [{ ...image, image: "" }] }] }, /kind\[0\]\.images\[0\]\.image/],
    [
      { kind: [{ ...release, images: [{ ...image, image: "--all" }] }] },
      /^kind\[0\]\.images\[0\]\.image is not a full image reference such as/,
    ],
    [{ kind: [{ ...release, loadBalancer: 1 }] }, /^kind\[0\]\.loadBalancer is not a string with an image reference$/],
    [
      { kind: [{ ...release, checksums: { "linux-amd64": "abc" } }] },
      /^kind\[0\]\.checksums\.linux-amd64 is not a SHA-256 in hex/,
    ],
    [{ kind: [{ ...release, checksums: [] }] }, /^kind\[0\]\.checksums is not an object$/],
    [
      { kind: [release], kubectl: [{ version: "1.28.15", checksums: { "linux-amd64": `${SUM}0` } }] },
      /^kubectl\[0\]\.checksums\.linux-amd64 is not a SHA-256 in hex/,
    ],
    [{ kind: [release], kubectl: "1.28" }, /^kubectl is not a list$/],
  ];
  for (const [data, message] of cases) assert.match(refusal(data), message, JSON.stringify(data));
});

test("a property name of Object is a name like any other", () => {
  assert.match(refusal('{"__proto__": {"kind": []}}'), /^kind is missing$/);
  const text = `{"kind": [{"version": "0.25.0", "images": [], "checksums": {"__proto__": "${SUM}"}}]}`;
  assert.equal(only(parseCatalog(text).kind).checksums["linux-amd64"], undefined);
});

test("whatever the JSON, the reader succeeds or says what is wrong", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.json().map((kind) => `{"kind": [${kind}]}`),
      ),
      (text) => {
        try {
          parseCatalog(text);
        } catch (error) {
          assert.ok(error instanceof Failure);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("every image of the built-in catalog is pinned by digest", () => {
  for (const kind of builtInCatalog().kind) {
    for (const entry of kind.images) {
      assert.equal(readValue(imageReference(entry.image)), entry.image);
      assert.match(entry.image, /^kindest\/node:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
    }
  }
});

test("the built-in catalog names the Kubernetes inside an image even if the tag lies", () => {
  // kind 0.24.0 published 1.27.16 under the tag v1.27.17, a version that was never released: there is no kubectl of it.
  const versions = builtInCatalog().kind.flatMap((kind) => kind.images.map((entry) => entry.kubernetes));
  assert.ok(!versions.includes("1.27.17"));
  assert.ok(versions.includes("1.27.16"));
});

test("the built-in catalog lists each release once, newest first, and each Kubernetes once in it", () => {
  const { kind } = builtInCatalog();
  const versions = kind.map((entry) => entry.version);
  assert.deepEqual(versions, [...new Set(versions)].toSorted(semver.rcompare));
  for (const entry of kind) {
    const images = entry.images.map((item) => item.kubernetes);
    assert.equal(new Set(images).size, images.length, entry.version);
    assert.ok(images.length > 0, entry.version);
  }
});

/** Those without a checksum, because no second source agrees. */
const UNPINNED = ["kubectl 1.27.2 linux-amd64", "kubectl 1.34.12 linux-arm64"];

test("the built-in catalog has a checksum of every kind, and of every kubectl that an image needs", () => {
  const { kind, kubectl } = builtInCatalog();
  const needed = kind.flatMap((entry) => entry.images.map((image) => image.kubernetes));
  for (const version of needed)
    assert.ok(
      kubectl.some((entry) => entry.version === version),
      version,
    );
  const tools = { kind, kubectl };
  const missing = (["kind", "kubectl"] as const).flatMap((tool) =>
    tools[tool].flatMap(({ version, checksums }) =>
      ["linux-amd64", "linux-arm64"]
        .filter((platform) => checksums[platform] === undefined)
        .map((platform) => `${tool} ${version} ${platform}`),
    ),
  );
  // The update of the catalog may fill them in.
  for (const each of missing) assert.ok(UNPINNED.includes(each), each);
});

test("no two entries of the built-in catalog have the same checksum: that would be a copying mistake", () => {
  const { kind, kubectl } = builtInCatalog();
  const sums = [...kind, ...kubectl].flatMap(({ checksums }) => Object.values(checksums));
  assert.equal(new Set(sums).size, sums.length);
  const versions = kubectl.map(({ version }) => version);
  assert.deepEqual(versions, [...new Set(versions)].toSorted(semver.rcompare));
});

test("checksums that were computed from the binaries are in the built-in catalog", () => {
  const catalog = builtInCatalog();
  const computed: readonly (readonly ["kind" | "kubectl", string, string, string])[] = [
    // Built from kind's source at the release's tag, as its hack/release/build/cross.sh does.
    ["kind", "0.19.0", "linux-arm64", "1326f87d766e6108c4e140238b55a588721ea612c3ab2c242ed291da3d9f7608"],
    ["kind", "0.25.0", "linux-amd64", "b22ff7e5c02b8011e82cc3223d069d178b9e1543f1deb21e936d11764780a3d8"],
    ["kind", "0.32.0", "linux-amd64", "50030de23cf40a18505f20426f6a8506bedf13c6e509244bd1fa9463721b0f54"],
    ["kubectl", "1.28.3", "linux-amd64", "0c680c90892c43e5ce708e918821f92445d1d244f9b3d7513023bcae9a6246d1"],
    ["kubectl", "1.31.9", "linux-amd64", "720d31a15368ad56993c127a7d4fa2688a8520029c2e6be86b1a877ad6f92624"],
    ["kubectl", "1.36.3", "linux-amd64", "ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336"],
    ["kubectl", "1.36.3", "linux-arm64", "3d86f24401c41ae5a46ac50eef8865fe891d3647d324a0836f6c63757a126e62"],
  ];
  for (const [tool, version, platform, sum] of computed) {
    const releases: readonly { readonly version: string; readonly checksums: Checksums }[] = catalog[tool];
    assert.equal(releases.find((entry) => entry.version === version)?.checksums[platform], sum, version);
  }
});
