import type { UserConfiguration } from "../cluster/config/read.ts";
import type { Field } from "../cluster/config/shape.ts";
import type { Problem } from "../errors.ts";
import type { HostPort, TakenPort } from "../host/ports.ts";

interface FamilyOptions {
  /** Whether the address family of the cluster is refused already. */
  readonly familyRefused: boolean;
}

/**
 * Ports that cannot be published on this machine. A default address follows from the cluster's address family: a machine
 * without IPv6 is one problem, however many ports there are.
 */
export function describeTakenPorts(
  taken: readonly TakenPort[],
  configuration: UserConfiguration | undefined,
  { familyRefused }: FamilyOptions,
): readonly Problem[] {
  if (configuration === undefined) return [];
  const isFamily = ({ trouble, addressWritten }: TakenPort) => trouble === "no such address" && !addressWritten;
  const [first] = familyRefused ? [] : taken.filter(isFamily);
  return [
    ...(first === undefined ? [] : [describeMissingFamily(first, configuration)]),
    ...taken.filter((port) => !isFamily(port)).map((port) => describeTakenPort(port, configuration)),
  ];
}

function describeMissingFamily({ address, source }: TakenPort, configuration: UserConfiguration): Problem {
  return configuration.problemAt(["networking", "ipFamily"], {
    reason: `publishes ${source} on ${address}, but this machine does not have IPv6`,
    allowed: "ipv6 on a machine that has it",
    fix: "use a machine with IPv6, or remove networking.ipFamily",
  });
}

/** An address for the API server that this machine does not have. */
export function describeForeignAddress(field: Field, address: string): Problem {
  return {
    ...field,
    reason: field.value.includes(address)
      ? "is not an address of this machine"
      : `publishes the API server on ${address}, which is not an address of this machine`,
    allowed: "an address of this machine, or 0.0.0.0 for all",
    fix: "run ip address show to see its addresses",
  };
}

/** A port that cannot be published on this machine. */
function describeTakenPort({ address, source, trouble }: TakenPort, configuration: UserConfiguration): Problem {
  if (trouble === "no such address") {
    return configuration.problemAt(source.replace(/hostPort$/, "listenAddress").split("."), {
      reason: "is not an address of this machine",
      allowed: "an address of this machine, or 0.0.0.0 for all",
      fix: "run ip address show to see its addresses",
    });
  }
  return configuration.problemAt(source.split("."), {
    reason: `is already in use on this machine (${address})`,
    allowed: "a free port, or none to get a free one",
    fix: "choose another port, or stop what uses it",
  });
}

/** The field that requests a port, with line and column. */
export function placeOfPort({ source }: Pick<HostPort, "source">, configuration: UserConfiguration): string {
  return configuration.placeOf(source.split("."));
}
