import assert from "node:assert/strict";
import { test } from "node:test";
import { findUnrecorded, selectOwn } from "../../../src/cluster/ownership.ts";
import type { ClusterContainer } from "../../../src/docker/cluster-containers.ts";

const OWNER = "/tmp/run/owner";
const run = {
  cluster: "c",
  owner: { source: OWNER, destination: "/kind-torch/owner" },
  startedAt: "2026-01-01T00:00:00.500Z",
};

function container(name: string, overrides: Partial<ClusterContainer> = {}): ClusterContainer {
  const mounts = [{ source: OWNER, destination: "/kind-torch/owner" }];
  return { id: name, name, cluster: "c", created: "2026-01-01T00:00:05.123456789Z", mounts, ...overrides };
}

const balancer = (overrides: Partial<ClusterContainer> = {}) =>
  container("c-external-load-balancer", { mounts: [], ...overrides });
const own = (...containers: readonly ClusterContainer[]) => selectOwn(containers, run).map((item) => item.name);

test("the nodes that have the run's mount are its own", () => {
  assert.deepEqual(own(container("c-control-plane"), container("c-worker")), ["c-control-plane", "c-worker"]);
});

test("a cluster of the same name without the mount is another run's, its load balancer too", () => {
  const theirs = [{ source: "/tmp/other/owner", destination: "/kind-torch/owner" }];
  assert.deepEqual(own(container("c-control-plane", { mounts: theirs }), balancer()), []);
  assert.deepEqual(own(container("c-control-plane", { mounts: [] })), []);
});

test("a mount whose path merely begins like the run's proves nothing", () => {
  for (const source of [`${OWNER}2`, `${OWNER}/x`, "/tmp/run", ""]) {
    assert.deepEqual(own(container("c-control-plane", { mounts: [{ source, destination: "/kind-torch/owner" }] })), []);
  }
});

test("a container of another cluster is never the run's, whatever it mounts", () => {
  assert.deepEqual(own(container("d-control-plane", { cluster: "d" })), []);
});

test("the load balancer is the run's if it was created after the run began and all nodes are the run's", () => {
  assert.deepEqual(own(container("c-control-plane"), balancer()), ["c-control-plane", "c-external-load-balancer"]);
  assert.deepEqual(own(balancer()), ["c-external-load-balancer"]);
});

test("an older load balancer, or one of unknown age, is not the run's", () => {
  for (const created of ["2026-01-01T00:00:00.499Z", "2025-12-31T23:59:59Z", "", "0001-01-01T00:00:00Z", "soon"]) {
    assert.deepEqual(own(container("c-control-plane"), balancer({ created })), ["c-control-plane"], created);
  }
});

test("among nodes of two owners only the run's own are selected, and no load balancer", () => {
  assert.deepEqual(own(container("c-control-plane"), container("c-worker", { mounts: [] }), balancer()), [
    "c-control-plane",
  ]);
});

test("without a journal a run's containers are those that mount its folder, by whatever path the engine has it", () => {
  const folder = "/home/runner/_temp/kind-torch-c.d-0a1b2c3d";
  const unrecorded = (...containers: readonly ClusterContainer[]) =>
    findUnrecorded(containers, folder).map((each) => each.name);
  const mounted = (source: string, destination = "/kind-torch/owner") => ({ mounts: [{ source, destination }] });
  for (const mounts of [
    mounted(`${folder}/owner`),
    mounted("/opt/runner/_temp/kind-torch-c.d-0a1b2c3d/owner"),
    mounted("/dev/null", "/kind-torch/owner-0a1b2c3d"),
  ]) {
    const nodes = [container("c-control-plane", mounts), container("c-worker", mounts)];
    const names = ["c-control-plane", "c-worker", "c-external-load-balancer"];
    assert.deepEqual(unrecorded(...nodes, balancer(), container("d-control-plane", { cluster: "d" })), names);
  }
  for (const mounts of [
    mounted("/home/runner/_temp/kind-torch-c.d-0a1b2c3e/owner"),
    mounted(`${folder}/owner`, "/data"),
    mounted(`${folder}-2/owner`),
    mounted("/dev/null", "/kind-torch/owner-0a1b2c3e"),
    { mounts: [] },
  ]) {
    assert.deepEqual(unrecorded(container("c-control-plane", mounts), balancer()), []);
  }
});
