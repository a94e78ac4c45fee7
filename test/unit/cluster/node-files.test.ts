import assert from "node:assert/strict";
import { test } from "node:test";
import { planNodeFiles } from "../../../src/cluster/node-files.ts";
import { planOwnerMount } from "../../../src/cluster/ownership.ts";

const FILES = [
  { path: "/tmp/run/resolv.conf", target: "/kind-torch/resolv.conf" },
  { path: "/__w/certs.d", target: "/etc/containerd/certs.d" },
];
const JOB = {
  kind: "container",
  name: "job",
  networkOf: "1",
  networks: [],
  mounts: [{ source: "/srv/job", destination: "/__w" }],
} as const;

test("nodes mount what the engine's machine has, and get copies of the rest", () => {
  const [first, second] = FILES;
  assert.deepEqual(planNodeFiles(JOB, FILES), {
    mounts: [{ hostPath: "/srv/job/certs.d", containerPath: "/etc/containerd/certs.d" }],
    copies: [first],
  });
  assert.deepEqual(planNodeFiles({ kind: "remote", host: "h" }, FILES), { mounts: [], copies: [first, second] });
  assert.deepEqual(planNodeFiles({ kind: "this-machine" }, FILES).copies, []);
});

test("a run's mount has a path of its own, on the engine's machine or in the nodes", () => {
  const run = { runDirectory: "/tmp/run", runId: "0a1b2c3d" };
  assert.deepEqual(planOwnerMount({ kind: "this-machine" }, run), {
    source: "/tmp/run/owner",
    destination: "/kind-torch/owner",
  });
  for (const site of [JOB, { kind: "remote", host: "h" }] as const) {
    assert.deepEqual(planOwnerMount(site, run), { source: "/dev/null", destination: "/kind-torch/owner-0a1b2c3d" });
  }
  const mounted = planOwnerMount(JOB, { ...run, runDirectory: "/__w/_temp/run" });
  assert.deepEqual(mounted, { source: "/srv/job/_temp/run/owner", destination: "/kind-torch/owner" });
});
