import assert from "node:assert/strict";
import { test } from "node:test";
import { checkEnginePaths, withEnginePaths } from "../../../../src/torch/compose/engine-paths.ts";
import { only } from "../../builders.ts";

const JOB = {
  kind: "container",
  name: "job",
  networkOf: "1",
  networks: [],
  mounts: [
    { source: "/home/runner/work", destination: "/__w" },
    { source: "/same", destination: "/same" },
  ],
} as const;

test("what a service mounts is named by its path on the engine's machine, and nothing else changes", () => {
  const model = {
    services: {
      app: {
        image: "a",
        volumes: [
          { type: "bind", source: "/__w/torch/app", target: "/app", read_only: true },
          { type: "volume", source: "data", target: "/data" },
          { type: "tmpfs", target: "/tmp" },
        ],
      },
      other: { image: "b" },
    },
    volumes: { data: {} },
  };
  const { services, volumes } = withEnginePaths(model, JOB);
  assert.deepEqual(services.app?.volumes, [
    { type: "bind", source: "/home/runner/work/torch/app", target: "/app", read_only: true },
    { type: "volume", source: "data", target: "/data" },
    { type: "tmpfs", target: "/tmp" },
  ]);
  assert.deepEqual(volumes, { data: {} });
  assert.equal(withEnginePaths(model, { kind: "this-machine" }), model);
});

test("a mount that the engine's machine does not have, or not under that path, is refused with the reason", () => {
  const mount = (path: string, changes: object = {}) => ({
    place: "c.yaml: services.app",
    source: path,
    path,
    links: [],
    readOnly: true,
    ofService: true,
    ...changes,
  });
  const reasonOf = (each: ReturnType<typeof mount>) => only(checkEnginePaths([each], JOB)).reason;
  assert.deepEqual(checkEnginePaths([mount("/__w/torch"), mount("/same/x", { ofService: false })], JOB), []);
  assert.match(reasonOf(mount("/opt/x")), /mounts \/opt\/x, which is in the file system of this job's container, job/);
  assert.match(reasonOf(mount("/__w/x", { ofService: false })), /is \/home\/runner\/work\/x on the engine's machine/);
  assert.match(reasonOf(mount("/__w/x", { links: ["/__w/link"] })), /reached through a link/);
  assert.deepEqual(checkEnginePaths([mount("/opt/x")], { kind: "this-machine" }), []);
});
