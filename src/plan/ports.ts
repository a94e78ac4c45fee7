import { isIP } from "node:net";
import { CONFIGURATION_INPUT } from "../cluster/configuration.ts";
import type { Field } from "../cluster/shape.ts";
import type { Problem } from "../failure.ts";
import type { HostPort, TakenPort } from "../host/ports.ts";

/** Ports that two places of the configuration ask for: Docker gives each to one container. */
export function checkSharedPorts(ports: readonly HostPort[]): readonly Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<HostPort>();
  for (const port of ports) {
    const sharing = ports.filter((other) => other === port || clashes(port, other));
    if (sharing.length === 1 || sharing.some((each) => seen.has(each))) continue;
    for (const each of sharing) seen.add(each);
    problems.push({
      input: CONFIGURATION_INPUT,
      value: sharing.map(({ source }) => `${source}: ${port.port}`).join(" and "),
      reason: `asks for port ${port.port} of this machine ${sharing.length === 2 ? "twice" : `${sharing.length} times`} (${sharing.map(describe).join(", ")})`,
      allowed: "a port of its own for each, unless address or protocol differ (0.0.0.0 and :: are every address)",
      fix: "choose another port for one of them, or leave it out to get a free one",
    });
  }
  return problems;
}

/** An address for the API server that this machine does not have. */
export function describeForeignAddress(field: Field, address: string): Problem {
  return {
    ...field,
    reason: field.value.endsWith(address)
      ? "is not an address of this machine"
      : `publishes the API server on ${address}, which is not an address of this machine`,
    allowed: "an address of this machine, or 0.0.0.0 for all",
    fix: "look at ip address show for the ones it has",
  };
}

/** A port that cannot be published on this machine. */
export function describeTakenPort({ address, port, source, trouble }: TakenPort): Problem {
  if (trouble === "no such address") {
    return {
      input: CONFIGURATION_INPUT,
      value: `${source.replace(/hostPort$/, "listenAddress")}: ${address}`,
      reason: "is not an address of this machine",
      allowed: "an address of this machine, or 0.0.0.0 for all",
      fix: "look at ip address show for the ones it has",
    };
  }
  return {
    input: CONFIGURATION_INPUT,
    value: `${source}: ${port}`,
    reason: `is a port that something on this machine listens on already (${address})`,
    allowed: "a free port, or none to get a free one",
    fix: "choose another port, or end what uses it",
  };
}

function clashes(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  if (canonical(a.address) === canonical(b.address)) return true;
  // In one node kind takes 0.0.0.0 and :: for the same (its validatePortMappings); Docker does not.
  const related = isIP(a.address) === isIP(b.address) || nodeOf(a) === nodeOf(b);
  return related && (isEvery(a.address) || isEvery(b.address));
}

/** The one spelling of an address: IPv6 has many. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname : address;
}

function isEvery(address: string): boolean {
  return address === "0.0.0.0" || canonical(address) === "[::]";
}

function nodeOf({ source }: HostPort): string {
  return source.split(".").slice(0, 2).join(".");
}

function describe({ address, protocol }: HostPort): string {
  return `${address}, ${protocol}`;
}
