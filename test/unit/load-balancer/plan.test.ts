import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError } from "../../../src/exec.ts";
import { findSocket, providerArgs } from "../../../src/load-balancer/args.ts";
import { checkLoadBalancer } from "../../../src/load-balancer/conflicts.ts";
import {
  loadBalancerImages,
  loadBalancerRows,
  planLoadBalancer,
  servesGateways,
  warnAboutReach,
} from "../../../src/load-balancer/plan.ts";
import { describeStartError } from "../../../src/load-balancer/provider.ts";
import { builtInCatalog } from "../../../src/versions/catalog.ts";
import { only } from "../builders.ts";

const IMAGES = { image: "provider:1", proxy: "envoy:1" };
const PLAN = planLoadBalancer("bologna", { runId: "0a1b", images: IMAGES });

test("the provider is in kind's network with Docker's socket, has the run's label, and pulls nothing", () => {
  const args = providerArgs(PLAN, { socket: "/run/docker.sock", gateways: true });
  for (const arg of [
    "--name=bologna-cloud-provider",
    "--label=kind-torch.load-balancer=bologna-0a1b",
    "--label=kind-torch.cluster=bologna",
    "--network=kind",
    "--mount=type=bind,source=/run/docker.sock,target=/var/run/docker.sock",
    "--env=KIND_TORCH_CLUSTER=bologna",
    "--env=KIND_TORCH_PROXY=envoy:1",
    "--env=NO_PROXY=*",
    "--pull=never",
    "--gateway-channel=standard",
  ]) {
    assert.ok(args.includes(arg), arg);
  }
  assert.ok(!args.some((arg) => arg.startsWith("--publish")));
  assert.ok(providerArgs(PLAN, { socket: "/s", gateways: false }).includes("--gateway-channel=disabled"));
});

test("the socket is that of Docker's client, or the usual one where the client uses none or does not know it", () => {
  const here = { kind: "this-machine" } as const;
  const mounts = [{ source: "/run/engine.sock", destination: "/var/run/docker.sock" }];
  const container = { kind: "container", name: "job", networkOf: "job", networks: [], mounts } as const;
  assert.equal(findSocket("unix:///run/user/1/docker.sock\n", here), "/run/user/1/docker.sock");
  assert.equal(findSocket("unix:///var/run/docker.sock", container), "/run/engine.sock");
  assert.equal(findSocket("unix:///elsewhere.sock", container), "/var/run/docker.sock");
  const remote = { kind: "remote", host: "host" } as const;
  for (const endpoint of ["tcp://host:2376", "ssh://host", "npipe:////./pipe/docker", "", "unix://"]) {
    assert.equal(findSocket(endpoint, remote), "/var/run/docker.sock", endpoint);
  }
});

test("Gateways are served from the first minor with the API that they need", () => {
  assert.deepEqual(["1.28.15", "1.32.9", "1.33.0", "1.37.2"].map(servesGateways), [false, false, true, true]);
  assert.deepEqual(loadBalancerRows(undefined, "1.37.2"), []);
  assert.match(String(loadBalancerRows(PLAN, "1.37.2")), /Gateways/);
  assert.doesNotMatch(String(loadBalancerRows(PLAN, "1.28.15")), /Gateways/);
});

test("a job that does not reach the addresses gets a warning", () => {
  assert.match(only(warnAboutReach(PLAN, { kind: "remote", host: "engine.example" })), /engine\.example/);
  assert.deepEqual(warnAboutReach(undefined, { kind: "remote", host: "engine.example" }), []);
  for (const site of [{ kind: "this-machine" }, { kind: "remote", host: "127.0.0.1" }] as const) {
    assert.deepEqual(warnAboutReach(PLAN, site), []);
  }
});

test("both images are pulled with the others, and none where nothing is asked for; the built-in catalog has them by digest", () => {
  assert.deepEqual(loadBalancerImages(PLAN), ["provider:1", "envoy:1"]);
  assert.deepEqual(loadBalancerImages(undefined), []);
  for (const image of Object.values(builtInCatalog().cloudProvider ?? {})) {
    assert.match(image, /:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
  }
});

test("a catalog without the images, and a container with the provider's name, are refused", () => {
  const catalog = { kind: [], kubectl: [], cloudProvider: IMAGES };
  const held = { name: "bologna-cloud-provider", cluster: "", image: "x", status: "Up", loadBalancer: false };
  const check = (names: readonly (typeof held)[], existing: "fail" | "replace" = "fail") =>
    checkLoadBalancer(PLAN, { names, catalog, existing });
  assert.deepEqual(check([]), []);
  assert.deepEqual(check([{ ...held, name: "other" }]), []);
  assert.match(only(check([held], "replace")).fix, /docker rm bologna-cloud-provider/);
  assert.match(only(check([{ ...held, loadBalancer: true }])).fix, /existing: replace/);
  assert.deepEqual(check([{ ...held, loadBalancer: true }], "replace"), []);
  const without = checkLoadBalancer(PLAN, { names: [], catalog: { kind: [], kubectl: [] }, existing: "fail" });
  assert.equal(only(without).input, "load-balancer and catalog");
});

test("why Docker does not start the provider is named", () => {
  const failed = (stderr: string) =>
    describeStartError(PLAN, "/run/d.sock", new CommandError("it failed", { exitCode: 125, stdout: "", stderr }));
  const name = failed('Conflict. The container name "/bologna-cloud-provider" is already in use by container "1".');
  assert.match(`${name.message} ${name.fix}`, /bologna-cloud-provider.*cluster-name/);
  const socket = failed("invalid mount config for type bind: bind source path does not exist: /run/d.sock");
  assert.match(`${socket.message} ${socket.fix}`, /none at \/run\/d\.sock.*remove load-balancer/);
  assert.equal(failed("no space").message, "it failed");
});
