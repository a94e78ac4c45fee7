import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import semver from "semver";
import { readFailCgroupV1 } from "../../../src/cluster/config/cgroup.ts";
import type { Problem } from "../../../src/errors.ts";
import { builtInCatalog, type Catalog } from "../../../src/versions/catalog.ts";
import { minorOf, parseVersionRequest } from "../../../src/versions/request.ts";
import {
  readVersionInput,
  resolveVersions,
  type VersionRequests,
  type Versions,
} from "../../../src/versions/resolve.ts";
import { isWithin, kubectlRange } from "../../../src/versions/skew.ts";
import { CATALOG, configure, digest, only } from "../builders.ts";

interface Asked {
  readonly kubernetes?: string;
  readonly kind?: string;
  readonly kubectl?: string;
  readonly nodeImage?: string;
  readonly images?: VersionRequests["configuredImages"];
  readonly cgroup?: 1 | 2 | undefined;
  readonly failCgroupV1?: boolean | undefined;
  readonly catalog?: Catalog;
}

function resolve(asked: Asked) {
  const request = (text: string | undefined) => (text === undefined ? undefined : parseVersionRequest(text));
  return resolveVersions(
    {
      kubernetes: request(asked.kubernetes),
      kind: request(asked.kind),
      kubectl: request(asked.kubectl),
      nodeImage: asked.nodeImage,
      configuredImages: asked.images ?? [],
      failCgroupV1: asked.failCgroupV1,
    },
    asked.catalog ?? CATALOG,
    "cgroup" in asked ? asked.cgroup : 2,
  );
}

function accepted(asked: Asked): Versions {
  const resolution = resolve(asked);
  assert.ok(resolution.ok, JSON.stringify(resolution));
  return resolution.versions;
}

function refused(asked: Asked): readonly Problem[] {
  const resolution = resolve(asked);
  assert.ok(!resolution.ok, JSON.stringify(resolution));
  for (const problem of resolution.problems) {
    for (const part of [problem.input, problem.value, problem.reason, problem.allowed, problem.fix])
      assert.notEqual(part, "");
  }
  return resolution.problems;
}

test("nothing asked gives the guide's Kubernetes, pinned by digest, with a kubectl of the same version", () => {
  const versions = accepted({});
  assert.equal(versions.kubernetes, "1.28.15");
  assert.equal(versions.kubectl, "1.28.15");
  assert.equal(versions.kind, "0.25.0");
  assert.equal(versions.nodeImage, `kindest/node:v1.28.15@${digest("b3")}`);
  assert.deepEqual(versions.warnings, []);
});

test("kind is the newest release whose list has the wanted Kubernetes", () => {
  const cases: readonly (readonly [Asked, string, string])[] = [
    [{ kubernetes: "1.31" }, "1.31.12", "0.30.0"],
    [{ kubernetes: "1.31.2" }, "1.31.2", "0.25.0"],
    [{ kubernetes: "1.31", kind: "0.25" }, "1.31.2", "0.25.0"],
    [{ kubernetes: "1.27" }, "1.27.16", "0.25.0"],
    [{ kubernetes: "latest" }, "1.34.0", "0.30.0"],
    [{ kubernetes: "latest", kind: "0.25.0" }, "1.31.2", "0.25.0"],
    [{ kubernetes: "1.34", kind: "latest" }, "1.34.0", "0.30.0"],
  ];
  for (const [asked, kubernetes, kind] of cases) {
    const versions = accepted(asked);
    assert.deepEqual([versions.kubernetes, versions.kind], [kubernetes, kind], JSON.stringify(asked));
  }
});

test("the load balancer's image is the chosen release's", () => {
  assert.equal(accepted({ kubernetes: "1.34" }).loadBalancerImage, "kindest/haproxy:new");
  assert.equal(accepted({}).loadBalancerImage, undefined);
});

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

test("an unknown kind release is refused with the known ones", () => {
  assert.match(only(refused({ kind: "0.99.0" })).allowed, /0\.30\.0, 0\.25\.0/);
});

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

test("a kubectl too far apart is named even where the catalog does not know it", () => {
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

test("Kubernetes 1.35 and later is refused on cgroup v1, where that is known, unless the kubelets are configured for it", () => {
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

test("a kind release too old for the image is refused with the oldest that will do", () => {
  const problem = only(refused({ nodeImage: "kindest/node:v1.33.0", kind: "0.25.0" }));
  assert.equal(problem.input, "kind-version");
  assert.match(problem.allowed, /0\.27\.0/);
});

test("a node image outside the catalog works, with a warning", () => {
  const versions = accepted({ nodeImage: "registry.example:5000/node:v1.26.3" });
  assert.equal(versions.kubernetes, "1.26.3");
  assert.equal(versions.kubectl, "1.26.3");
  assert.equal(versions.kind, "0.30.0");
  assert.match(
    only(versions.warnings),
    /registry\.example:5000\/node:v1\.26\.3 is not in the catalog .*not verified\.$/,
  );
});

test("a node image of the catalog's is no reason for a warning", () => {
  const versions = accepted({ nodeImage: `kindest/node:v1.28.15@${digest("b3")}` });
  assert.deepEqual([versions.kind, versions.warnings], ["0.25.0", []]);
});

test("an image that does not tell its version needs it said exactly", () => {
  const nodeImage = `registry.example:5000/node@${digest("d")}`;
  assert.equal(only(refused({ nodeImage })).input, "node-image");
  assert.equal(only(refused({ nodeImage, kubernetes: "1.31" })).input, "node-image");
  assert.equal(accepted({ nodeImage, kubernetes: "1.31.9" }).kubernetes, "1.31.9");
});

test("a tag with something after the version is that version's image", () => {
  const versions = accepted({ nodeImage: "registry.example/node:v1.31.9-patched", kubernetes: "1.31.9" });
  assert.deepEqual([versions.kubernetes, versions.kubectl], ["1.31.9", "1.31.9"]);
});

test("an image that contradicts kubernetes-version is refused naming both", () => {
  const problem = only(refused({ nodeImage: "kindest/node:v1.31.2", kubernetes: "1.28" }));
  assert.equal(problem.input, "kubernetes-version and node-image");
  const theirs = only(refused({ images: [{ controlPlane: true, image: "kindest/node:v1.31.2" }], kubernetes: "1.28" }));
  assert.equal(theirs.input, "kubernetes-version and kind-config");
  accepted({ nodeImage: "kindest/node:v1.31.2", kubernetes: "1.31" });
});

test("a control plane's image in the kind configuration decides the cluster's version", () => {
  const image = `kindest/node:v1.31.2@${digest("b1")}`;
  const versions = accepted({
    images: [
      { controlPlane: false, image: undefined },
      { controlPlane: true, image },
    ],
  });
  assert.deepEqual([versions.kubernetes, versions.kind, versions.nodeImage], ["1.31.2", "0.25.0", image]);
});

test("kubelets may be older by the skew policy, never newer", () => {
  const worker = (image: string) => [
    { controlPlane: true, image: undefined },
    { controlPlane: false, image },
  ];
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["1.31.12", "kindest/node:v1.28.0", true],
    ["1.31.12", "kindest/node:v1.27.16", false],
    ["1.31.2", "kindest/node:v1.31.12", false],
    ["1.31.12", "kindest/node:v1.34.0", false],
    ["1.27.16", "kindest/node:v1.25.16", true],
    ["1.27.16", "kindest/node:v1.24.17", false],
  ];
  for (const [kubernetes, image, good] of cases) {
    const resolution = resolve({ kubernetes, images: worker(image) });
    assert.equal(resolution.ok, good, `${image} beside ${kubernetes}`);
    if (!resolution.ok) assert.equal(only(resolution.problems).value, image);
    else assert.match(only(resolution.versions.warnings), /several Kubernetes versions/);
  }
});

test("several contradictions are said together", () => {
  const problems = refused({ nodeImage: "kindest/node:v1.36.0", kind: "0.25.0", kubectl: "1.28", cgroup: 1 });
  assert.deepEqual(problems.map((problem) => problem.input).toSorted(), [
    "kind-version",
    "kubectl-version",
    "node-image",
  ]);
});

test("a version input that cannot be read is a problem, and auto is nothing said", () => {
  assert.equal(readVersionInput("kind-version", "auto", ["auto", "latest"]), undefined);
  const problem = readVersionInput("kubernetes-version", "auto", ["latest"]);
  assert.ok(problem !== undefined && "input" in problem && problem.input === "kubernetes-version");
});

test("whatever is asked of a catalog, what is accepted keeps the skew policy and the request", () => {
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

test("every image of the built-in catalog that can sign for a chosen lifetime can be chosen by its exact version", () => {
  const catalog = builtInCatalog();
  for (const { kubernetes } of catalog.kind.flatMap((release) => release.images)) {
    if (semver.lt(kubernetes, "1.22.0")) assert.match(only(refused({ kubernetes, catalog })).allowed, /1\.22/);
    else assert.equal(accepted({ kubernetes, catalog }).kubernetes, kubernetes);
  }
});

test("the built-in catalog gives the guide's cluster and the neighbours of its kubectl", () => {
  const catalog = builtInCatalog();
  const versions = accepted({ catalog });
  assert.deepEqual([versions.kubernetes, versions.kind, versions.kubectl], ["1.28.15", "0.25.0", "1.28.15"]);
  for (const kubectl of ["1.27", "1.28", "1.29"])
    assert.equal(minorOf(accepted({ kubectl, catalog }).kubectl), kubectl);
  refused({ kubectl: "1.34", catalog });
});
