import assert from "node:assert/strict";
import { test } from "node:test";
import semver from "semver";
import { readFailCgroupV1 } from "../../../src/cluster/config/cgroup.ts";
import { builtInCatalog, type Catalog } from "../../../src/versions/catalog.ts";
import { CATALOG, configure, only } from "../builders.ts";
import { accepted, refused } from "./requests.ts";

test("an unknown Kubernetes is refused with the nearest choices", () => {
  const patch = only(refused({ kubernetes: "1.28.99" }));
  assert.equal(patch.input, "kubernetes-version");
  assert.match(patch.allowed, /1\.28\.15/);
  assert.match(patch.allowed, /1\.28\.9/);
  assert.match(only(refused({ kubernetes: "1.99" })).allowed, /1\.34.*1\.31.*1\.28.*1\.27/);
});

test("1.3 is suspected to be an unquoted 1.30", () => {
  const catalog: Catalog = {
    ...CATALOG,
    kind: [{ version: "0.23.0", images: [{ kubernetes: "1.30.0", image: "a:1" }], checksums: {} }],
  };
  assert.match(only(refused({ kubernetes: "1.3", catalog })).fix, /1\.30.*quote|quote.*1\.30/);
  assert.doesNotMatch(only(refused({ kubernetes: "1.4", catalog })).fix, /quote/);
});

test("a Kubernetes that another kind release has is refused naming both inputs and that release", () => {
  const problem = only(refused({ kubernetes: "1.28", kind: "0.30.0" }));
  assert.equal(problem.input, "kubernetes-version and kind-version");
  assert.match(problem.allowed, /0\.25\.0/);
  assert.match(problem.allowed, /1\.34\.0, 1\.31\.12/);
});

test("Kubernetes 1.35 and later is refused on cgroup v1, if that is known, unless the kubelets are configured for it", () => {
  const catalog: Catalog = {
    kind: [
      {
        version: "0.33.0",
        images: [
          { kubernetes: "1.35.0", image: "kindest/node:v1.35.0" },
          { kubernetes: "1.34.9", image: "kindest/node:v1.34.9" },
        ],
        checksums: {},
      },
    ],
    kubectl: [],
  };
  const problem = only(refused({ kubernetes: "1.35", cgroup: 1, catalog }));
  assert.equal(problem.input, "kubernetes-version");
  assert.match(`${problem.reason} ${problem.fix}`, /cgroup v1.*1\.34/);
  assert.equal(only(refused({ kubernetes: "latest", cgroup: 1, catalog })).value, "latest");
  assert.equal(only(refused({ nodeImage: "example/node:v1.36.1", cgroup: 1, catalog })).input, "node-image");
  accepted({ kubernetes: "1.35", cgroup: 2, catalog });
  accepted({ kubernetes: "1.35", cgroup: undefined, catalog });
  accepted({ kubernetes: "1.34", cgroup: 1, catalog });
  accepted({ kubernetes: "1.35", cgroup: 1, failCgroupV1: false, catalog });
  accepted({ nodeImage: "example/node:v1.36.1", cgroup: 1, failCgroupV1: false, catalog });
  accepted({ kubernetes: "1.35", cgroup: 2, failCgroupV1: true, catalog });
  refused({ kubernetes: "1.35", cgroup: 1, failCgroupV1: true, catalog });
  const patch = /write at the top level of kind-config: (.*)$/.exec(problem.fix)?.[1] ?? "";
  assert.equal(readFailCgroupV1(configure(patch)), false, problem.fix);
});

test("every image of the built-in catalog that can sign for a requested lifetime can be chosen by its exact version", () => {
  const catalog = builtInCatalog();
  for (const { kubernetes } of catalog.kind.flatMap((release) => release.images)) {
    if (semver.lt(kubernetes, "1.22.0")) assert.match(only(refused({ kubernetes, catalog })).allowed, /1\.22/);
    else assert.equal(accepted({ kubernetes, catalog }).kubernetes, kubernetes);
  }
});
