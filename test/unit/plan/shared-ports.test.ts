import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HostPort } from "../../../src/host/ports.ts";
import { checkSharedPorts, selectUnshared } from "../../../src/plan/shared-ports.ts";
import { runBounded } from "../bounded.ts";
import { configure, only } from "../builders.ts";

const USER = configure("nodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: 8080}\n");

function asking(address: string, node = 0, fields: Partial<HostPort> = {}): HostPort {
  const source = `nodes.${node}.extraPortMappings.0.hostPort`;
  return { address, port: 8080, protocol: "tcp", source, addressWritten: true, ...fields };
}

test("at most five fields that request a port are named, and the others are counted", () => {
  const reasonOf = (count: number) =>
    only(
      checkSharedPorts(
        Array.from({ length: count }, (_, node) => asking("0.0.0.0", node)),
        USER,
      ),
    ).reason;
  assert.match(
    reasonOf(2),
    /^asks for port 8080 of this machine twice: line 5, column 35: nodes\.0\S+ \(0\.0\.0\.0, tcp\) and line \d+, column \d+: nodes\.1\S+ \([^)]*\)$/,
  );
  assert.match(reasonOf(5), /5 times.* and line \S+ column \d+: nodes\.4\S+ \([^)]*\)$/);
  assert.match(reasonOf(2000), /2000 times.*nodes\.4\S+ \([^)]*\) and 1995 more$/);
  assert.doesNotMatch(reasonOf(2000), /nodes\.5\./);
});

test("two requests conflict if their addresses do, whatever else is requested", () => {
  const address = fc.constantFrom("0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "0::0", "::1", "0:0::1", "fe80::1%eth0");
  const port = fc.record({
    address,
    node: fc.nat(3),
    port: fc.constantFrom(1, 2),
    protocol: fc.constantFrom("tcp", "udp"),
  });
  fc.assert(
    fc.property(fc.array(port, { maxLength: 12 }), (given) => {
      const ports = given.map(({ address: at, node, port: number, protocol }) => {
        return asking(at, node, { port: number, protocol });
      });
      const inTheWay = (a: HostPort, b: HostPort) => {
        if (a.port !== b.port || a.protocol !== b.protocol) return false;
        const spelling = (text: string) => text.replace("0:0::1", "::1").replace("0::0", "::");
        if (spelling(a.address) === spelling(b.address)) return true;
        const isEvery = ({ address: each }: HostPort) => ["0.0.0.0", "::"].includes(spelling(each));
        const sameFamily = a.address.includes(":") === b.address.includes(":");
        return (sameFamily || a.source === b.source) && (isEvery(a) || isEvery(b));
      };
      const free = ports.filter((each) => !ports.some((other) => other !== each && inTheWay(each, other)));
      const inOrder = (some: readonly HostPort[]) => ports.filter((each) => some.includes(each));
      assert.deepEqual(inOrder(selectUnshared(ports)), free);
      assert.equal(checkSharedPorts(ports, USER).length > 0, free.length < ports.length);
    }),
    { numRuns: 500 },
  );
});

test("fifty thousand requests are compared in seconds, whatever their addresses", async () => {
  const path = JSON.stringify(import.meta.resolve("../../../src/plan/shared-ports.ts"));
  const builders = JSON.stringify(import.meta.resolve("../builders.ts"));
  for (const address of ['"::1"', '"fd00::" + i.toString(16)', '["10.0", i >> 8, i & 255].join(".")']) {
    await runBounded(`
      import { checkSharedPorts } from ${path};
      import { configure } from ${builders};
      const ports = Array.from({ length: 50_000 }, (_, i) => ({
        address: ${address}, port: 80, protocol: "tcp", source: \`nodes.\${i}.extraPortMappings.0.hostPort\`, addressWritten: true,
      }));
      checkSharedPorts(ports, configure(""));`);
  }
});
