import assert from "node:assert/strict";
import { test } from "node:test";
import { createArgs, findHostPorts } from "../../../src/cluster/kind.ts";
import { configure } from "../builders.ts";

test("kind keeps the nodes of a failed create, takes the configuration from us, and does not wait", () => {
  const args = createArgs({ cluster: "bologna", kubeconfig: "/run/kubeconfig", configuration: "/run/kind.yaml" });
  assert.deepEqual(args.slice(0, 2), ["create", "cluster"]);
  assert.ok(args.includes("--retain"));
  const following = (option: string) => args[args.indexOf(option) + 1];
  assert.deepEqual(["--name", "--kubeconfig", "--config", "--wait"].map(following), [
    "bologna",
    "/run/kubeconfig",
    "/run/kind.yaml",
    "0s",
  ]);
});

const ports = (body: string) =>
  findHostPorts(configure(body), "127.0.0.1").map(({ address, port }) => `${address}:${port}`);
const mapping = (fields: string) => `nodes:\n- extraPortMappings:\n  - {${fields}}\n`;

test("the ports that a configuration asks for are found with their addresses", () => {
  assert.deepEqual(ports("networking: {apiServerPort: 6443}\n"), ["127.0.0.1:6443"]);
  assert.deepEqual(ports(mapping("containerPort: 80, hostPort: 8080")), ["0.0.0.0:8080"]);
  assert.deepEqual(ports(mapping("containerPort: 80, hostPort: 8080, listenAddress: 127.0.0.1")), ["127.0.0.1:8080"]);
  assert.deepEqual(ports(mapping("containerPort: 80, hostPort: 8080, listenAddress: ''")), ["0.0.0.0:8080"]);
  assert.deepEqual(ports(mapping("containerPort: 80, hostPort: 8080, protocol: TCP")), ["0.0.0.0:8080"]);
});

test("a port has kind's protocols, in any case, and kind's address for the family", () => {
  const found = (body: string) =>
    findHostPorts(configure(body), "127.0.0.1").map(({ address, protocol }) => [address, protocol]);
  for (const protocol of ["tcp", "TCP", "Tcp", "''"]) {
    assert.deepEqual(
      found(mapping(`containerPort: 53, hostPort: 53, protocol: ${protocol}`)),
      [["0.0.0.0", "tcp"]],
      protocol,
    );
  }
  assert.deepEqual(found(mapping("containerPort: 53, hostPort: 53, protocol: udp")), [["0.0.0.0", "udp"]]);
  assert.deepEqual(found(mapping("containerPort: 53, hostPort: 53, protocol: SCTP")), [["0.0.0.0", "sctp"]]);
  assert.deepEqual(found(`networking: {ipFamily: ipv6}\n${mapping("containerPort: 53, hostPort: 53")}`), [
    ["::", "tcp"],
  ]);
});

test("a port that kind chooses or that is none is not looked at", () => {
  const bodies = [
    "networking: {apiServerPort: 0}\n",
    "networking: {apiServerPort: -1}\n",
    mapping("containerPort: 80"),
  ];
  for (const body of bodies) assert.deepEqual(ports(body), [], body);
});

test("a port says where in the configuration it stands", () => {
  const user = configure(
    "nodes:\n- role: control-plane\n- role: worker\n  extraPortMappings:\n  - {containerPort: 1, hostPort: 1}\n  - {containerPort: 2, hostPort: 2}\n",
  );
  assert.deepEqual(
    findHostPorts(user, "127.0.0.1").map((port) => port.source),
    ["nodes.1.extraPortMappings.0.hostPort", "nodes.1.extraPortMappings.1.hostPort"],
  );
});
