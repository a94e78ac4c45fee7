import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../src/errors.ts";
import { only } from "../builders.ts";
import { FULL, planOf, problemsOf } from "./planning.ts";

const GIB = 1024 ** 3;

test("too little disk space is a problem that says how much there is; unknown disk space is not", () => {
  const [images, volumes] = ["/var/lib/containerd", "/var/lib/docker"];
  const disks = (imageBytes: number, volumeBytes: number) => ({
    disks: { images: { folder: images, bytes: imageBytes }, volumes: { folder: volumes, bytes: volumeBytes } },
  });
  const problem = only(problemsOf({ survey: disks(GIB, GIB) }));
  assert.match(problem.value, /1\.0 GiB free in \/var\/lib\/containerd/);
  assert.match(problem.allowed, /2 GiB/);
  planOf({ survey: disks(2 * GIB, GIB / 2) });
  planOf({ survey: { disks: { images: undefined, volumes: undefined } } });
  // A small /var/lib/docker beside a large image store holds volumes alone.
  const small = only(problemsOf({ survey: disks(50 * GIB, GIB / 4) }));
  assert.match(small.value, /0\.3 GiB free in \/var\/lib\/docker/);
  assert.match(`${small.reason} ${small.allowed}`, /volumes.*0\.5 GiB/);
});

test("why Docker cannot be used is reported together with all other problems", () => {
  const engine = new Failure("is not installed", { fix: "install it" });
  const problems = problemsOf({
    survey: { engine, disks: FULL },
    inputs: { kubectlVersion: { kind: "minor", minor: "1.34" } },
  });
  assert.deepEqual(
    problems.map((problem) => problem.input),
    ["kubectl-version", "runs-on"],
  );
  assert.match(`${problems[1]?.reason} ${problems[1]?.fix}`, /not installed install it/);
});

test("a machine that kind's node images do not support is refused", () => {
  for (const survey of [
    { platform: "darwin" },
    { platform: "win32" },
    { architecture: "s390x" },
    { architecture: "ia32" },
  ]) {
    assert.equal(only(problemsOf({ survey })).input, "runs-on", JSON.stringify(survey));
  }
  planOf({ survey: { architecture: "arm64", nodeArchitecture: "arm64" } });
});
