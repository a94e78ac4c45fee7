import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { findPortsInUse, type HostPort, isOwnAddress } from "../../../src/host/ports.ts";

async function listenOn(context: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

const hostPort = (port: number, fields: Partial<HostPort> = {}): HostPort => ({
  address: "127.0.0.1",
  port,
  protocol: "tcp",
  source: "x",
  addressWritten: true,
  ...fields,
});

const troubles = async (...ports: readonly HostPort[]) =>
  (await findPortsInUse(ports)).map(({ port, protocol, trouble }) => [port, protocol, trouble]);

test("a port is in use only where something listens on it, by its own protocol", async (context) => {
  const port = await listenOn(context);
  assert.deepEqual(await troubles(hostPort(port), hostPort(port, { protocol: "udp" })), [[port, "tcp", "in use"]]);
  assert.deepEqual(await troubles(hostPort(port, { address: "0.0.0.0" })), [[port, "tcp", "in use"]]);
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  context.after(() => socket.close());
  const datagrams = socket.address().port;
  assert.deepEqual(await troubles(hostPort(datagrams, { protocol: "udp" })), [[datagrams, "udp", "in use"]]);
});

test("a port that is requested twice is not in use for that reason", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  const both = [hostPort(address.port), hostPort(address.port, { address: "0.0.0.0" }), hostPort(address.port)];
  assert.deepEqual(await troubles(...both), []);
});

test("an address of another machine is distinguished from a port in use", async () => {
  assert.deepEqual(await troubles(hostPort(8080, { address: "203.0.113.7" })), [[8080, "tcp", "no such address"]]);
  assert.equal(await isOwnAddress("203.0.113.7"), false);
  assert.equal(await isOwnAddress("127.0.0.1"), true);
  assert.equal(await isOwnAddress("0.0.0.0"), true);
});
