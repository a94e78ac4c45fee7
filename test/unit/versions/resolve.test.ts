import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import semver from "semver";
import { builtInCatalog } from "../../../src/versions/catalog.ts";
import { minorOf } from "../../../src/versions/request.ts";
import { isWithin, kubectlRange } from "../../../src/versions/skew.ts";
import { digest } from "../builders.ts";
import { accepted, refused, resolve } from "./requests.ts";

test("without a request the guide's Kubernetes is chosen, pinned by digest, with kubectl of the same version", () => {
  const versions = accepted({});
  assert.equal(versions.kubernetes, "1.28.15");
  assert.equal(versions.kubectl, "1.28.15");
  assert.equal(versions.kind, "0.25.0");
  assert.equal(versions.nodeImage, `kindest/node:v1.28.15@${digest("b3")}`);
  assert.deepEqual(versions.warnings, []);
});

test("several contradictions are reported together", () => {
  const problems = refused({ nodeImage: "kindest/node:v1.36.0", kind: "0.25.0", kubectl: "1.28", cgroup: 1 });
  assert.deepEqual(problems.map((problem) => problem.input).toSorted(), [
    "kind-version",
    "kubectl-version",
    "node-image",
  ]);
});

test("whatever is requested, accepted versions satisfy the skew policy and the request", () => {
  const catalog = builtInCatalog();
  const minors = [
    ...new Set(catalog.kind.flatMap((release) => release.images.map((image) => minorOf(image.kubernetes)))),
  ];
  const version = fc.option(fc.constantFrom("latest", ...minors, "1.28.15", "1.28.99"), { nil: undefined });
  const kind = fc.option(fc.constantFrom("latest", ...catalog.kind.map((release) => release.version)), {
    nil: undefined,
  });
  const cgroups = fc.record<{ cgroup: 1 | 2 | undefined; failCgroupV1: boolean | undefined }>({
    cgroup: fc.constantFrom(1, 2, undefined),
    failCgroupV1: fc.constantFrom(true, false, undefined),
  });
  fc.assert(
    fc.property(version, version, kind, cgroups, (kubernetes, kubectl, release, { cgroup, failCgroupV1 }) => {
      const asked = {
        ...(kubernetes === undefined ? {} : { kubernetes }),
        ...(kubectl === undefined ? {} : { kubectl }),
        ...(release === undefined ? {} : { kind: release }),
      };
      const resolution = resolve({ ...asked, cgroup, failCgroupV1, catalog });
      if (!resolution.ok) {
        assert.ok(resolution.problems.length > 0);
        return;
      }
      const { versions } = resolution;
      assert.ok(isWithin(versions.kubectl, kubectlRange(versions.kubernetes)));
      assert.match(versions.nodeImage, /@sha256:[0-9a-f]{64}$/);
      const listed = catalog.kind.find((entry) => entry.version === versions.kind);
      assert.ok(listed?.images.some((image) => image.image === versions.nodeImage));
      if (cgroup === 1 && failCgroupV1 !== false) assert.ok(semver.lt(versions.kubernetes, "1.35.0"));
    }),
    { numRuns: 500 },
  );
});

test("the built-in catalog gives the guide's cluster and the neighbours of its kubectl", () => {
  const catalog = builtInCatalog();
  const versions = accepted({ catalog });
  assert.deepEqual([versions.kubernetes, versions.kind, versions.kubectl], ["1.28.15", "0.25.0", "1.28.15"]);
  for (const kubectl of ["1.27", "1.28", "1.29"])
    assert.equal(minorOf(accepted({ kubectl, catalog }).kubectl), kubectl);
  refused({ kubectl: "1.34", catalog });
});
