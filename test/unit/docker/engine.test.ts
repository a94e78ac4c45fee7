import assert from "node:assert/strict";
import { test } from "node:test";
import { readImageStore } from "../../../src/docker/engine.ts";

test("where an engine's images lie: Docker's folder, or the data of a containerd that is not its own", () => {
  const DriverStatus = [["driver-type", "io.containerd.snapshotter.v1"]];
  const at = (Address: string) => ({ DriverStatus, Containerd: { Address } });
  assert.equal(readImageStore({ DriverStatus: [["Backing Filesystem", "extfs"]] }), undefined);
  assert.equal(readImageStore({ DriverStatus: null }), undefined);
  assert.equal(readImageStore({ DriverStatus }), "/run/containerd/containerd.sock");
  assert.equal(readImageStore(at("/run/containerd/containerd.sock")), "/run/containerd/containerd.sock");
  assert.equal(readImageStore(at("/var/run/docker/containerd/containerd.sock")), "");
});
