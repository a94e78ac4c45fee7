import { isIP } from "node:net";
import type { UserConfiguration } from "../cluster/config/read.ts";
import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import type { Problem } from "../errors.ts";
import type { HostPort } from "../host/ports.ts";
import { placeOfPort } from "./ports.ts";

/** Further fields are only counted. */
const MAX_PLACES = 5;

/** Ports that two fields of the configuration request: Docker gives each to one container. */
export function checkSharedPorts(
  ports: readonly HostPort[],
  configuration: UserConfiguration | undefined,
): readonly Problem[] {
  if (configuration === undefined) return [];
  return groupBy(ports, ({ protocol, port }) => `${protocol} ${port}`)
    .filter((asking) => asking.length > 1)
    .flatMap(findSharing)
    .filter((sharing) => sharing.length > 1)
    .map((sharing) => describeShared(sharing, configuration));
}

/** The ports that are requested once: what `checkSharedPorts` refuses needs no further check. */
export function selectUnshared(ports: readonly HostPort[]): readonly HostPort[] {
  return groupBy(ports, ({ protocol, port }) => `${protocol} ${port}`)
    .flatMap((asking) => (asking.length > 1 ? findSharing(asking) : [asking]))
    .flatMap((sharing) => (sharing.length > 1 ? [] : sharing));
}

function describeShared(sharing: readonly HostPort[], configuration: UserConfiguration): Problem {
  const places = sharing
    .slice(0, MAX_PLACES)
    .map((each) => `${placeOfPort(each, configuration)} (${each.address}, ${each.protocol})`);
  const more = sharing.length > MAX_PLACES ? [`${sharing.length - MAX_PLACES} more`] : [];
  const named = [...places, ...more];
  return {
    input: CONFIGURATION_INPUT,
    value: configuration.source,
    reason: `asks for port ${sharing[0]?.port} of this machine ${sharing.length === 2 ? "twice" : `${sharing.length} times`}: ${named.slice(0, -1).join(", ")} and ${named.at(-1)}`,
    allowed: "a different port for each, unless address or protocol differ (0.0.0.0 and :: stand for every address)",
    fix: "choose another port, or remove it to get a free one",
  };
}

/**
 * Groups the requests for one port and protocol by conflict. Two conflict if they have a key in common: the same address;
 * the address family, where one of that family requests every address; and the node, where one of that node does, as kind
 * treats 0.0.0.0 and :: in one node as the same (its validatePortMappings; Docker does not).
 */
function findSharing(ports: readonly HostPort[]): readonly (readonly HostPort[])[] {
  const each = ports.map((port) => ({ port, ...keysOf(port) }));
  const wide = new Set(each.filter(({ isEvery }) => isEvery).flatMap(({ family, node }) => [family, node]));
  const parents = new Map<string, string>();
  const rootOf = (key: string): string => {
    let root = key;
    for (let above = parents.get(root); above !== undefined; above = parents.get(root)) root = above;
    // The next search from here is short.
    if (root !== key) parents.set(key, root);
    return root;
  };
  for (const { address, family, node } of each) {
    for (const key of [family, node].filter((one) => wide.has(one))) {
      const [from, to] = [rootOf(address), rootOf(key)];
      if (from !== to) parents.set(from, to);
    }
  }
  return groupBy(each, ({ address }) => rootOf(address)).map((group) => group.map(({ port }) => port));
}

function keysOf({ address, source }: HostPort) {
  const url = `http://[${address}]`;
  // The one spelling of an address: IPv6 has many.
  const canonical = isIP(address) === 6 && URL.canParse(url) ? new URL(url).hostname : address;
  return {
    address: `address ${canonical}`,
    family: `family ${isIP(address)}`,
    node: `node ${source.split(".").slice(0, 2).join(".")}`,
    isEvery: canonical === "0.0.0.0" || canonical === "[::]",
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  return [...Map.groupBy(items, keyOf).values()];
}
