import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { builtInCatalog, type Catalog } from "../../../src/versions/catalog.ts";
import { parseVersionRequest } from "../../../src/versions/request.ts";
import { resolveTools } from "../../../src/versions/tools.ts";
import { CATALOG, only } from "../builders.ts";

const KUBECTLS: Catalog = {
  ...CATALOG,
  kubectl: ["1.35.1", "1.36.0", "1.29.7"].map((version) => ({ version, checksums: {} })),
};

const resolve = (kubernetes?: string, kind?: string, kubectl?: string, catalog = KUBECTLS) =>
  resolveTools(
    {
      kubernetes: parseVersionRequest(kubernetes ?? ""),
      kind: parseVersionRequest(kind ?? ""),
      kubectl: parseVersionRequest(kubectl ?? ""),
    },
    catalog,
  );

function versions(...requests: Parameters<typeof resolve>) {
  const resolution = resolve(...requests);
  assert.ok("versions" in resolution, JSON.stringify(resolution));
  return resolution.versions;
}

function problem(...requests: Parameters<typeof resolve>) {
  const resolution = resolve(...requests);
  assert.ok("problems" in resolution, JSON.stringify(resolution));
  return only(resolution.problems);
}

test("without requests both are the newest of the catalog", () => {
  const newest = { kind: "the newest in the catalog", kubectl: "the newest in the catalog" };
  assert.deepEqual(versions(), { kind: "0.30.0", kubectl: "1.36.0", reasons: newest });
  // A catalog without kubectl knows the versions of its images.
  assert.equal(versions(undefined, undefined, undefined, { ...CATALOG, kubectl: [] }).kubectl, "1.34.0");
});

test("with a Kubernetes version both fit it, as for a cluster", () => {
  const { kind, kubectl, reasons } = versions("1.28");
  assert.deepEqual([kind, kubectl, reasons.kubectl], ["0.25.0", "1.28.15", "that of kubernetes-version"]);
  assert.equal(versions("1.28", undefined, "1.29").kubectl, "1.29.7");
  assert.equal(problem("1.28", undefined, "1.36").input, "kubectl-version");
  assert.match(problem("1.99").fix, /kubectl-version without kubernetes-version/);
  assert.equal(problem("1.28", "9.9").input, "kind-version");
});

test("what is requested without a Kubernetes version is taken, however far apart", () => {
  const chosen = versions(undefined, "0.25", "1.35");
  assert.deepEqual([chosen.kind, chosen.kubectl], ["0.25.0", "1.35.1"]);
  assert.deepEqual(chosen.reasons, { kind: "requested", kubectl: "1.35, in its newest patch in the catalog" });
  assert.equal(versions(undefined, undefined, "1.40.3").kubectl, "1.40.3");
  assert.equal(problem(undefined, "9.9").input, "kind-version");
  assert.match(problem(undefined, undefined, "1.40").reason, /no patch version/);
});

test("the built-in catalog resolves each of its minors to a kubectl of that minor", () => {
  const catalog = builtInCatalog();
  const minors = catalog.kind.flatMap(({ images }) => images.map(({ kubernetes }) => kubernetes));
  fc.assert(
    fc.property(fc.constantFrom(...minors), (kubernetes) => {
      assert.equal(versions(kubernetes, undefined, undefined, catalog).kubectl, kubernetes);
    }),
  );
});
