import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type EngineSite,
  findEngineSite,
  findOwnId,
  joiningContainer,
  parseRemoteHost,
  reachPort,
  sharesPorts,
} from "../../../src/docker/site.ts";
import type { Exec } from "../../../src/exec.ts";
import { makeFolder } from "../builders.ts";

const ID = "cfd32dc6c44dd2efd374f1ade6fe2e0af68a6a7a059ca520736c28179909d0b1";
const line = (root: string, point: string) => `89 72 254:0 ${root} ${point} rw,relatime - ext4 /dev/vda rw\n`;

test("a container is known by the files that Docker mounts into it", () => {
  for (const file of ["hostname", "hosts", "resolv.conf"]) {
    assert.equal(findOwnId(line("/", "/") + line(`/var/lib/docker/containers/${ID}/${file}`, `/etc/${file}`)), ID);
  }
  // Docker's folder may be a disk of its own.
  assert.equal(findOwnId(line(`/containers/${ID}/hosts`, "/etc/hosts")), ID);
});

test("a machine on which containers run is not in one of them", () => {
  for (const table of [
    "",
    line("/", `/var/lib/docker/containers/${ID}/mounts/shm`),
    line(`/var/lib/docker/containers/${ID}/hosts`, `/mnt/${ID}/etc/hosts`),
    line(`/kubelet/pods/x/etc-hosts`, "/etc/hosts"),
    line(`/var/lib/docker/containers/${ID.slice(1)}/hosts`, "/etc/hosts"),
  ]) {
    assert.equal(findOwnId(table), undefined, table);
  }
});

test("an engine is remote where its address names a host", () => {
  for (const [endpoint, host] of [
    ["tcp://docker:2376", "docker"],
    ["tcp://10.0.0.7:2375", "10.0.0.7"],
    ["tcp://[2001:db8::7]:2376", "2001:db8::7"],
    ["ssh://user@build.example", "build.example"],
    ["tcp://localhost:2375", "localhost"],
    ["unix:///var/run/docker.sock", undefined],
    ["npipe:////./pipe/docker_engine", undefined],
    ["tcp://", undefined],
    ["", undefined],
  ] as const) {
    assert.equal(parseRemoteHost(endpoint), host, endpoint);
  }
  fc.assert(
    fc.property(
      fc.domain(),
      fc.integer({ min: 1, max: 65535 }),
      (name, port) => parseRemoteHost(`tcp://${name}:${port}`) === name,
    ),
  );
});

/** A stand-in for docker's client: an engine at this address, with its data in this folder. */
const askedAt =
  (endpoint: string, folder: string): Exec =>
  async ({ args }) => ({ stdout: args[0] === "context" ? `${endpoint}\n` : `${folder}\n`, stderr: "" });

test("an engine on this machine's own address is this machine's where its data is here", async (context) => {
  const folder = await makeFolder(context);
  const siteOf = (endpoint: string, data: string) => findEngineSite(askedAt(endpoint, data));
  assert.deepEqual(await siteOf("unix:///var/run/docker.sock", "/"), { kind: "this-machine" });
  assert.deepEqual(await siteOf("tcp://127.0.0.1:2375", folder), { kind: "this-machine" });
  assert.deepEqual(await siteOf("tcp://localhost:2376", `${folder}/missing`), { kind: "remote", host: "localhost" });
  assert.deepEqual(await siteOf("tcp://docker:2376", folder), { kind: "remote", host: "docker" });
});

const HERE: EngineSite = { kind: "this-machine" };
const JOB: EngineSite = { kind: "container", name: "job", networkOf: "id", networks: ["bridge"], mounts: [] };
const IN_HOST_NETWORK: EngineSite = { ...JOB, networkOf: undefined };
const SIDECAR: EngineSite = { kind: "remote", host: "localhost" };
const ELSEWHERE: EngineSite = { kind: "remote", host: "docker" };

test("a port is reached where it is published, or in the network that both are in", () => {
  const place = { container: "c-control-plane", port: 6443, published: { address: "127.0.0.1", port: 40000 } };
  assert.deepEqual(reachPort(HERE, place), { host: "127.0.0.1", port: 40000 });
  assert.deepEqual(reachPort(IN_HOST_NETWORK, place), { host: "127.0.0.1", port: 40000 });
  assert.deepEqual(reachPort(SIDECAR, place), { host: "127.0.0.1", port: 40000 });
  assert.deepEqual(reachPort(JOB, place), { host: "c-control-plane", port: 6443 });
  assert.deepEqual(reachPort(ELSEWHERE, place), { host: "docker", port: 40000 });
  const everywhere = (address: string) => reachPort(HERE, { ...place, published: { address, port: 1 } }).host;
  assert.deepEqual(["0.0.0.0", "", "::", "10.0.0.1"].map(everywhere), ["127.0.0.1", "127.0.0.1", "::1", "10.0.0.1"]);
});

test("ports are shared with the engine's machine and with what is in its network; only a container of a network joins one", () => {
  assert.deepEqual([HERE, IN_HOST_NETWORK, SIDECAR, JOB, ELSEWHERE].map(sharesPorts), [true, true, true, false, false]);
  assert.deepEqual([HERE, IN_HOST_NETWORK, SIDECAR, JOB, ELSEWHERE].map(joiningContainer), [
    undefined,
    undefined,
    undefined,
    "id",
    undefined,
  ]);
});
