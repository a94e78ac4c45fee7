import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { refuseOtherEngine, refuseOtherProgram } from "../../../src/docker/other-engines.ts";

const refuse = (info: object) => refuseOtherEngine(JSON.stringify(info))?.message;

/** Of `docker info`, as each of them has it: Docker 26 and 29, then from the sources and issues of each project. */
const DOCKER = {
  ServerVersion: "26.1.5",
  IndexServerAddress: "https://index.docker.io/v1/",
  ProductLicense: "Community Engine",
  DockerRootDir: "/var/lib/docker",
  Plugins: { Volume: ["local"], Network: ["bridge", "host"], Authorization: null, Log: ["json-file"] },
  SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns"],
};
/** `podman info` where podman is called docker (podman-docker): its own form. */
const PODMAN_PROGRAM = {
  host: { arch: "amd64", buildahVersion: "1.31.2", cgroupVersion: "v2", security: { rootless: true } },
  store: { graphRoot: "/var/lib/containers/storage" },
  registries: {},
  plugins: { volume: ["local"] },
  version: { APIVersion: "4.7.0", Version: "4.7.0", GoVersion: "go1.21.1" },
};
/** Docker's client with the socket of `podman system service`. */
const PODMAN_SERVICE = {
  ServerVersion: "5.8.2",
  OperatingSystem: "fedora",
  DefaultRuntime: "crun",
  IndexServerAddress: "",
  ProductLicense: "Apache-2.0",
  DockerRootDir: "/var/lib/containers/storage",
  SecurityOptions: ["name=seccomp,profile=default", "name=rootless"],
};
/** `nerdctl info` where nerdctl is called docker. */
const NERDCTL = {
  ID: "6a9e",
  Driver: "overlayfs",
  Plugins: { Log: ["fluentd", "journald", "json-file"], Storage: ["native", "overlayfs", "stargz"] },
  CgroupDriver: "systemd",
  CgroupVersion: "2",
  ServerVersion: "v1.7.13",
  SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns", "name=rootless"],
  Warnings: null,
};

test("a Docker Engine that runs as root is accepted, as is one whose users are remapped", () => {
  assert.equal(refuse(DOCKER), undefined);
  assert.equal(refuse({ ...DOCKER, ProductLicense: undefined, SecurityOptions: ["name=userns"] }), undefined);
  assert.equal(refuse({ ...DOCKER, SecurityOptions: null }), undefined);
  assert.equal(refuse({ ServerErrors: ["Cannot connect to the Docker daemon"], SecurityOptions: null }), undefined);
});

test("Podman is refused by its name: as the program docker, and behind its socket", () => {
  assert.match(refuse(PODMAN_PROGRAM) ?? "", /^is Podman 4\.7\.0,/);
  assert.match(refuse(PODMAN_SERVICE) ?? "", /^is Podman 5\.8\.2,/);
});

test("nerdctl is refused by its name, rootless or not", () => {
  assert.match(refuse(NERDCTL) ?? "", /^is nerdctl with containerd v1\.7\.13,/);
  assert.match(refuse({ ...NERDCTL, SecurityOptions: [] }) ?? "", /^is nerdctl/);
});

test("a rootless Docker Engine is refused as what it is", () => {
  const SecurityOptions = ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"];
  assert.match(refuse({ ...DOCKER, SecurityOptions }) ?? "", /^runs without root \(rootless 26\.1\.5\)/);
});

test("Podman and nerdctl are known by their words where they fail; Docker's words are left to others", () => {
  for (const [words, name] of [
    ["Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.\nError: no such", /Podman/],
    ['level=fatal msg="cannot access containerd socket \\"/run/containerd/containerd.sock\\"', /nerdctl/],
    ["FATA[0000] rootless containerd not running? (hint: use `containerd-rootless-setuptool.sh install`", /nerdctl/],
  ] as const) {
    assert.match(refuseOtherProgram(words)?.message ?? "", name);
  }
  const words = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
  assert.equal(refuseOtherProgram(words), undefined);
});

test("whatever an engine says of itself, it is read", () => {
  const part = fc.oneof(fc.jsonValue(), fc.constant("Apache-2.0"), fc.constant({ Storage: ["overlayfs"] }));
  const info = fc.dictionary(fc.constantFrom(...Object.keys({ ...DOCKER, ...PODMAN_PROGRAM })), part);
  fc.assert(fc.property(info, (given) => void refuse(given)));
});
