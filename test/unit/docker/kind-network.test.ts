import assert from "node:assert/strict";
import { test } from "node:test";
import { networkArgs, readNetworkRefusal, ulaSubnet } from "../../../src/docker/kind-network.ts";

test("kind's network is created as kind does: the default bridge's MTU, a subnet by the name's hash", () => {
  assert.equal(ulaSubnet("kind", 0), "fc00:f853:ccd:e793::/64");
  assert.equal(ulaSubnet("kind", 1), "fc00:8866:27d0:bd7e::/64");
  const masquerade = "--opt=com.docker.network.bridge.enable_ip_masquerade=true";
  assert.deepEqual(networkArgs(1450, ulaSubnet("kind", 0)), [
    ...["network", "create", "--driver=bridge", masquerade, "--opt=com.docker.network.driver.mtu=1450"],
    ...["--ipv6", "--subnet=fc00:f853:ccd:e793::/64", "kind"],
  ]);
  assert.deepEqual(networkArgs(undefined, undefined), ["network", "create", "--driver=bridge", masquerade, "kind"]);
});

test("a network that is refused for lack of IPv6, for its subnet or for its name is distinguished from any other refusal", () => {
  const error = "Error response from daemon: ";
  for (const [words, meaning] of [
    ["network with name kind already exists", "created"],
    ["Pool overlaps with other one on this address space", "overlap"],
    ["invalid pool request: Pool overlaps with other one on this address space", "overlap"],
    ["cannot create network x: conflicts with network y: networks have overlapping IPv6", "overlap"],
    ["Cannot read IPv6 setup for bridge br-1: open /proc/sys/net/ipv6: no such file", "no-ipv6"],
    ["Failed to Setup IP tables: Unable to enable NAT rule:  (iptables failed: ip6tables --wait -t nat", "no-ipv6"],
    ["all predefined address pools have been fully subnetted", undefined],
  ] as const) {
    assert.equal(readNetworkRefusal(`${error}${words}`), meaning, words);
  }
});
