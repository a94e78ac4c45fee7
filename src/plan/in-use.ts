import { findPresentFiles } from "../credentials/files.ts";
import { sharesPorts } from "../docker/site.ts";
import type { Problem } from "../errors.ts";
import type { Host } from "../host/inspect.ts";
import { findPortsInUse, type HostPort, isOwnAddress } from "../host/ports.ts";
import { isDnsServer, resolverNotAnswering } from "../host/resolver.ts";
import type { Inputs } from "../inputs/inputs.ts";
import { describeRegistryPort } from "../pulls/conflicts.ts";
import { isNodeName } from "../values/nodes.ts";
import { checkPresentFiles } from "./credentials.ts";
import { checkHostPaths } from "./host-paths.ts";
import type { PlannedPlaces } from "./places.ts";
import { describeForeignAddress, describeTakenPorts } from "./ports.ts";
import { type Rejected, restingOn } from "./rejected-inputs.ts";
import { selectUnshared } from "./shared-ports.ts";

/** Whether a cluster of this name exists and is removed first; so it may be where a rejected `existing` was to say so. */
function replacesCluster({ shape }: PlannedPlaces, inputs: Inputs, { containers }: Host, rejected: Rejected): boolean {
  if (inputs.existing === "fail" && !rejected.has("existing")) return false;
  return containers.some(({ cluster, name }) => cluster === shape.name && isNodeName(name, shape.name));
}

/** What of the plan's places on this machine is taken already. */
export async function checkPlaces(
  places: PlannedPlaces,
  inputs: Inputs,
  host: Host,
  rejected: Rejected,
): Promise<readonly Problem[]> {
  const { kindGateway, site } = host;
  const { shape, pulls } = places;
  const { registry } = pulls;
  // A cluster that is to be replaced may hold the very ports.
  const replaces = replacesCluster(places, inputs, host, rejected);
  // What follows from an address that is refused itself, or that stands in a refused one's place, is left out.
  const isApiServer = ({ source }: HostPort) => source === "networking.apiServerPort";
  const ports = rejected.has("api-server-address") ? places.ports.filter((port) => !isApiServer(port)) : places.ports;
  const asksHost = shape.dns.kind === "docker-host" && kindGateway !== undefined;
  // The ports of another machine, or of another network than this step's, are not seen from here.
  const seesPorts = sharesPorts(site);
  const asksPort = registry !== undefined && seesPorts && !replaces && !rejected.has("registry-port");
  const [taken, own, present, resolverMissing, registryPorts, hostPaths] = await Promise.all([
    replaces || !seesPorts ? [] : findPortsInUse(selectUnshared(ports)),
    !seesPorts || isOwnAddress(shape.apiServerAddress),
    findPresentFiles(places.credentials),
    asksHost ? isDnsServer(kindGateway).then((answers) => !answers) : false,
    asksPort ? findPortsInUse([registry.port]) : [],
    checkHostPaths(places.configuration, inputs.credentialsDirectory, site),
  ]);
  // A machine without ::1 is one without IPv6.
  const familyRefused = !own && shape.apiServerAddress === "::1";
  return [
    ...hostPaths,
    ...(resolverMissing && kindGateway !== undefined ? [resolverNotAnswering(kindGateway)] : []),
    ...(own ? [] : [describeForeignAddress(shape.addressField, shape.apiServerAddress)]),
    ...describeTakenPorts(
      taken.filter((port) => own || !isApiServer(port)),
      places.configuration,
      { familyRefused },
    ),
    ...(registry === undefined || registryPorts.length === 0 ? [] : [describeRegistryPort(registry)]),
    ...restingOn(["user"], rejected, () => checkPresentFiles(present, inputs.credentialsDirectory)),
  ];
}
