import assert from "node:assert/strict";
import { test } from "node:test";
import { inspectEngine, readImageStore } from "../../../src/docker/engine.ts";

test("where an engine's images lie: Docker's folder, or the data of a containerd that is not its own", () => {
  const DriverStatus = [["driver-type", "io.containerd.snapshotter.v1"]];
  const at = (Address: string) => ({ DriverStatus, Containerd: { Address } });
  assert.equal(readImageStore({ DriverStatus: [["Backing Filesystem", "extfs"]] }), undefined);
  assert.equal(readImageStore({ DriverStatus: null }), undefined);
  assert.equal(readImageStore({ DriverStatus }), "/run/containerd/containerd.sock");
  assert.equal(readImageStore(at("/run/containerd/containerd.sock")), "/run/containerd/containerd.sock");
  assert.equal(readImageStore(at("/var/run/docker/containerd/containerd.sock")), "");
});

test("a program of docker's name that prints something else is named by what it prints", async () => {
  for (const stdout of ["this is a wrapper\nand more", "", '{"half": ']) {
    const asked = inspectEngine(async () => ({ stdout, stderr: "" }));
    await assert.rejects(asked, (error: Error) => /docker info printed ".*" and no JSON/.test(error.message));
  }
});

test("an engine's clock is read where it says what it is", async () => {
  const timeOf = async (info: object) => {
    const stdout = JSON.stringify({ ServerVersion: "29.0.0", ...info });
    return (await inspectEngine(async () => ({ stdout, stderr: "" }))).time;
  };
  const time = "2026-11-26T20:26:19.123456789Z";
  assert.equal(await timeOf({ SystemTime: time }), time);
  assert.ok(!Number.isNaN(Date.parse(time)));
  for (const info of [{}, { SystemTime: "" }, { SystemTime: "noon" }]) assert.equal(await timeOf(info), undefined);
});
