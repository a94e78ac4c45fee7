import assert from "node:assert/strict";
import { test } from "node:test";
import { createArgs, findHostPorts } from "../../src/cluster/kind.ts";
import { configure } from "./builders.ts";

test("kind keeps the nodes of a failed create, takes the configuration from us, and does not wait", () => {
  const args = createArgs("bologna", "/run/kubeconfig");
  assert.deepEqual(args.slice(0, 2), ["create", "cluster"]);
  assert.ok(args.includes("--retain"));
  const following = (option: string) => args[args.indexOf(option) + 1];
  assert.deepEqual(["--name", "--kubeconfig", "--config", "--wait"].map(following), [
    "bologna",
    "/run/kubeconfig",
    "-",
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

test("a port that kind chooses, that is none, or that is not TCP's is not looked at", () => {
  const bodies = [
    "networking: {apiServerPort: 0}\n",
    "networking: {apiServerPort: -1}\n",
    "networking: {apiServerPort: 65536}\n",
    "networking: {apiServerPort: 80.5}\n",
    "networking: {apiServerPort: '80'}\n",
    "networking: {apiServerPort: .nan}\n",
    "networking: {apiServerPort: .inf}\n",
    mapping("containerPort: 80"),
    mapping("hostPort: 53, protocol: UDP"),
    mapping("hostPort: 53, protocol: SCTP"),
  ];
  for (const body of bodies) assert.deepEqual(ports(body), [], body);
});

test("a port says where in the configuration it stands", () => {
  const user = configure(
    "nodes:\n- role: control-plane\n- role: worker\n  extraPortMappings:\n  - {hostPort: 1}\n  - {hostPort: 2}\n",
  );
  assert.deepEqual(
    findHostPorts(user, "127.0.0.1").map((port) => port.source),
    ["nodes.1.extraPortMappings.0.hostPort", "nodes.1.extraPortMappings.1.hostPort"],
  );
});
