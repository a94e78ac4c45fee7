import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNameServers } from "../../../src/cluster/name-servers.ts";

test("the name servers of a resolv.conf are its IPv4 ones, as the resolver reads them", () => {
  const text = [
    "# nameserver 192.0.2.1",
    ";nameserver 192.0.2.2",
    "search example.org",
    "nameserver 192.0.2.53",
    "\tnameserver\t192.0.2.54  \r",
    "nameserver 192.0.2.55 # the second site's",
    "nameserver fd00::53",
    "nameserver 999.0.0.1",
    "nameserver192.0.2.3",
    "options nameserver 192.0.2.4",
    "nameserver",
    "192.0.2.5",
  ].join("\n");
  assert.deepEqual(parseNameServers(text), ["192.0.2.53", "192.0.2.54", "192.0.2.55"]);
});
