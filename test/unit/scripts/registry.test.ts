import assert from "node:assert/strict";
import { test } from "node:test";
import { findNewerRegistry, parseRegistryVersion } from "../../../scripts/update-catalog/registry.ts";
import { builtInCatalog } from "../../../src/versions/catalog.ts";

test("the release of the catalog's registry is known, and of no image that is not Docker's official one", () => {
  assert.match(parseRegistryVersion(builtInCatalog().registry ?? "") ?? "", /^\d+\.\d+\.\d+$/);
  for (const name of ["registry", "docker.io/registry", "docker.io/library/registry"]) {
    assert.equal(parseRegistryVersion(`${name}:3.0.0@sha256:00`), "3.0.0");
  }
  for (const other of ["registry:3", "registry:3.0.0-rc.1", "team/registry:3.0.0", "example.com/registry:3.0.0"]) {
    assert.equal(parseRegistryVersion(other), undefined, other);
  }
});

test("only the newest release counts, and only if it is newer", () => {
  const releases = ["2.8.3", "3.10.0", "3.9.1", "3.0.0"].map((version) => ({ version }));
  assert.equal(findNewerRegistry("registry:3.0.0", releases), "3.10.0");
  assert.equal(findNewerRegistry("registry:3.10.0", releases), undefined);
  assert.equal(findNewerRegistry("registry:4.0.0", releases), undefined);
  assert.equal(findNewerRegistry("registry:3.0.0", []), undefined);
  assert.equal(findNewerRegistry("team/registry:3.0.0", releases), undefined);
});
