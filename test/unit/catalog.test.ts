import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import semver from "semver";
import { Failure } from "../../src/failure.ts";
import { imageReference } from "../../src/inputs/values.ts";
import { builtInCatalog, parseCatalog } from "../../src/versions/catalog.ts";
import { only, readValue } from "./builders.ts";

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

test("a catalogue of the user's is read, with the newest kind first", () => {
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

test("the first thing that is not as documented is named by its place", () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ["", /not JSON/],
    ["{", /not JSON/],
    ["null", /not an object/],
    ["[]", /not an object/],
    ['"x"', /not an object/],
    [{}, /kind is not a list/],
    [{ kind: {} }, /kind is not a list/],
    [{ kind: [] }, /no kind release/],
    [{ kind: [null] }, /kind\[0\]/],
    [{ kind: [release, []] }, /kind\[1\]/],
    [{ kind: [{ images: [] }] }, /kind\[0\]\.version/],
    [{ kind: [{ ...release, version: 0.25 }] }, /kind\[0\]\.version/],
    [{ kind: [{ ...release, version: "0.25" }] }, /kind\[0\]\.version/],
    [{ kind: [{ ...release, images: undefined }] }, /kind\[0\]\.images/],
    [
      { kind: [{ ...release, images: [image, { ...image, kubernetes: "latest" }] }] },
      /kind\[0\]\.images\[1\]\.kubernetes/,
    ],
    [{ kind: [{ ...release, images: [{ ...image, image: "" }] }] }, /kind\[0\]\.images\[0\]\.image/],
    [{ kind: [{ ...release, images: [{ ...image, image: "--all" }] }] }, /kind\[0\]\.images\[0\]\.image/],
    [{ kind: [{ ...release, loadBalancer: 1 }] }, /kind\[0\]\.loadBalancer/],
    [{ kind: [{ ...release, checksums: { "linux-amd64": "abc" } }] }, /kind\[0\]\.checksums\.linux-amd64/],
    [{ kind: [{ ...release, checksums: [] }] }, /kind\[0\]\.checksums/],
    [
      { kind: [release], kubectl: [{ version: "1.28.15", checksums: { "linux-amd64": `${SUM}0` } }] },
      /kubectl\[0\]\.checksums/,
    ],
    [{ kind: [release], kubectl: "1.28" }, /kubectl is not a list/],
  ];
  for (const [data, message] of cases) assert.match(refusal(data), message, JSON.stringify(data));
});

test("a name of Object's is a name like any other", () => {
  assert.match(refusal('{"__proto__": {"kind": []}}'), /kind is not a list/);
  const text = `{"kind": [{"version": "0.25.0", "images": [], "checksums": {"__proto__": "${SUM}"}}]}`;
  assert.equal(only(parseCatalog(text).kind).checksums["linux-amd64"], undefined);
});

test("no JSON makes the reader fail in another way than by saying what is wrong", () => {
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

test("every image of the built-in catalogue is pinned by digest", () => {
  for (const kind of builtInCatalog().kind) {
    for (const entry of kind.images) {
      assert.equal(readValue(imageReference(entry.image)), entry.image);
      assert.match(entry.image, /^kindest\/node:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
    }
  }
});

test("the built-in catalogue names the Kubernetes inside an image where the tag lies", () => {
  // kind 0.24.0 published 1.27.16 under the tag v1.27.17, a version that was never released: there is no kubectl of it.
  const versions = builtInCatalog().kind.flatMap((kind) => kind.images.map((entry) => entry.kubernetes));
  assert.ok(!versions.includes("1.27.17"));
  assert.ok(versions.includes("1.27.16"));
});

test("the built-in catalogue lists each release once, newest first, and each Kubernetes once in it", () => {
  const { kind } = builtInCatalog();
  const versions = kind.map((entry) => entry.version);
  assert.deepEqual(versions, [...new Set(versions)].toSorted(semver.rcompare));
  for (const entry of kind) {
    const images = entry.images.map((item) => item.kubernetes);
    assert.equal(new Set(images).size, images.length, entry.version);
    assert.ok(images.length > 0, entry.version);
  }
});
