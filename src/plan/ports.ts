import type { UserConfiguration } from "../cluster/config/read.ts";
import type { Field } from "../cluster/config/shape.ts";
import type { Problem } from "../errors.ts";
import type { HostPort, TakenPort } from "../host/ports.ts";

/**
 * Ports that cannot be published on this machine. An address that is a default follows from the cluster's family: without
 * IPv6 that is one problem, however many ports there are.
 * @param familyRefused whether the family is refused already.
 */
export function describeTakenPorts(
  taken: readonly TakenPort[],
  familyRefused: boolean,
  configuration: UserConfiguration | undefined,
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
    reason: `publishes ${source} on ${address}, and this machine does not have IPv6`,
    allowed: "ipv6 on a machine that has it",
    fix: "use a machine with IPv6, or leave networking.ipFamily out",
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
    fix: "look at ip address show for the ones it has",
  };
}

/** A port that cannot be published on this machine. */
function describeTakenPort({ address, source, trouble }: TakenPort, configuration: UserConfiguration): Problem {
  if (trouble === "no such address") {
    return configuration.problemAt(source.replace(/hostPort$/, "listenAddress").split("."), {
      reason: "is not an address of this machine",
      allowed: "an address of this machine, or 0.0.0.0 for all",
      fix: "look at ip address show for the ones it has",
    });
  }
  return configuration.problemAt(source.split("."), {
    reason: `is a port that something on this machine listens on already (${address})`,
    allowed: "a free port, or none to get a free one",
    fix: "choose another port, or end what uses it",
  });
}

/** Where a port stands in the configuration, with line and column. */
export function placeOfPort({ source }: Pick<HostPort, "source">, configuration: UserConfiguration): string {
  return configuration.placeOf(source.split("."));
}
