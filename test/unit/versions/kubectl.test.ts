import assert from "node:assert/strict";
import { test } from "node:test";
import { builtInCatalog, type Catalog } from "../../../src/versions/catalog.ts";
import { minorOf } from "../../../src/versions/request.ts";
import { CATALOG, only } from "../builders.ts";
import { type Asked, accepted, refused } from "./requests.ts";

test("kubectl 1.34 with Kubernetes 1.28 is refused naming both versions and the range", () => {
  for (const kubectl of ["1.34", "1.34.0", "1.30", "1.26.15", "latest"]) {
    const problem = only(refused({ kubectl }));
    assert.equal(problem.input, "kubectl-version");
    assert.equal(problem.value, kubectl);
    assert.match(problem.reason, /1\.28\.15/);
    assert.match(problem.allowed, /1\.27 to 1\.29/);
  }
  assert.match(only(refused({ kubectl: "1.34" })).reason, /1\.34/);
});

test("a kubectl too far apart is named even if the catalog does not know it", () => {
  assert.match(only(refused({ kubectl: "1.50" })).reason, /kubectl 1\.50/);
});

test("kubectl of the neighbouring minors is taken in its newest known patch", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["1.27", "1.27.16"],
    ["1.28", "1.28.15"],
    ["1.29", "1.29.7"],
    ["1.29.1", "1.29.1"],
    ["1.27.0", "1.27.0"],
  ];
  for (const [kubectl, version] of cases) assert.equal(accepted({ kubectl }).kubectl, version);
});

test("a minor of kubectl finds the newest patch that the catalog knows by checksum, the cluster's own minor too", () => {
  const sums = { "linux-amd64": "d".repeat(64) };
  const kubectl = ["1.28.2", "1.28.16", "1.27.3"].map((version) => ({ version, checksums: sums }));
  const catalog: Catalog = { ...CATALOG, kubectl };
  const cases: readonly (readonly [Asked, string])[] = [
    [{ kubectl: "1.28" }, "1.28.16"],
    [{ kubectl: "1.27" }, "1.27.16"],
    [{ kubectl: "1.28", kubernetes: "1.28.9" }, "1.28.16"],
    [{ kubectl: "1.28.2" }, "1.28.2"],
    // What no list knows is the cluster's own version all the same.
    [{ kubectl: "1.28", nodeImage: "example/node:v1.28.20" }, "1.28.20"],
    [{ kubectl: "1.30", nodeImage: "example/node:v1.30.4" }, "1.30.4"],
    // Nothing said is the cluster's own version, whatever is newer.
    [{}, "1.28.15"],
    [{ kubernetes: "1.28.9" }, "1.28.9"],
  ];
  for (const [asked, version] of cases)
    assert.equal(accepted({ ...asked, catalog }).kubectl, version, JSON.stringify(asked));
  assert.match(accepted({ kubectl: "1.28", catalog }).reasons.kubectl, /^1\.28, in its newest patch/);
});

test("the built-in catalog has the newest patches of kubectl, also those that no node image has", () => {
  const catalog = builtInCatalog();
  const images = new Set(catalog.kind.flatMap((release) => release.images.map((image) => image.kubernetes)));
  const newest = accepted({ kubernetes: "1.30", kubectl: "1.30", catalog }).kubectl;
  assert.equal(newest, "1.30.14");
  assert.ok(!images.has(newest));
  for (const minor of ["1.29", "1.30", "1.31"])
    assert.equal(minorOf(accepted({ kubernetes: "1.30", kubectl: minor, catalog }).kubectl), minor);
});

test("a minor of kubectl that no list knows asks for the exact version", () => {
  const problem = only(refused({ kubernetes: "1.31", kubectl: "1.32" }));
  assert.match(problem.fix, /1\.32\.0/);
});
