import type { UserConfiguration } from "../cluster/config/read.ts";
import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import { KIND_IPV6_SUBNET } from "../docker/kind-network.ts";
import { DEFAULT_NETWORK, KIND_NETWORK } from "../docker/networks.ts";
import type { Problem } from "../errors.ts";
import type { DockerSubnet } from "../host/inspect.ts";
import { overlaps, parseSubnet } from "../values/subnets.ts";

/** kind's defaults (its pkg/internal/apis/config/default.go). */
const DEFAULTS = {
  podSubnet: { ipv4: ["10.244.0.0/16"], ipv6: ["fd00:10:244::/56"] },
  serviceSubnet: { ipv4: ["10.96.0.0/16"], ipv6: ["fd00:10:96::/112"] },
} as const;

type SubnetField = keyof typeof DEFAULTS;

interface NamedSubnet {
  readonly name: string;
  readonly subnet: string;
  /** Whether the user wrote it. */
  readonly written: boolean;
}

/** The subnets of a cluster, as the configuration has them or kind sets them. */
export function clusterSubnets(user: UserConfiguration | undefined, field: SubnetField): readonly string[] {
  const text = writtenSubnet(user, field);
  if (text !== undefined) return text.split(",").map((subnet) => subnet.trim());
  const family = user?.networking.ipFamily;
  const { ipv4, ipv6 } = DEFAULTS[field];
  if (family === "dual") return [...ipv4, ...ipv6];
  return family === "ipv6" ? ipv6 : ipv4;
}

/** What a cluster needs of the networks. */
interface NetworkUse {
  readonly usesDefaultNetwork: boolean;
  /** The subnets that were chosen so that they overlap with nothing. */
  readonly chosen?: ClusterShape["subnets"];
}

/**
 * Subnets that overlap: a pod could get the address of a Service, or a node could take another node's address for a pod's.
 * kind and Kubernetes refuse none of this. A cluster does not need Docker's default network, unless its API server is
 * reached through that network's gateway.
 */
export function checkSubnets(
  user: UserConfiguration | undefined,
  networks: readonly DockerSubnet[],
  { usesDefaultNetwork, chosen = {} }: NetworkUse,
): readonly Problem[] {
  const pods = "podSubnet" in chosen ? [] : named(user, "podSubnet");
  const services = "serviceSubnet" in chosen ? [] : named(user, "serviceSubnet");
  return [
    ...pods.flatMap((pod) => services.flatMap((service) => checkPair(pod, service, user))),
    ...[...pods, ...services].flatMap((subnet) =>
      withKindNetwork(networks)
        // Only a subnet that the user chose can be changed by the user.
        .filter(({ network }) => network === KIND_NETWORK || (usesDefaultNetwork && subnet.written))
        .flatMap((network) => checkPair(subnet, networkSubnet(network), user)),
    ),
  ];
}

/** An ipFamily that kind's network does not have: kind takes a network that is there as it is, and its nodes get no address. */
export function checkFamily(
  user: UserConfiguration | undefined,
  networks: readonly DockerSubnet[],
): readonly Problem[] {
  const family = user?.networking.ipFamily;
  const own = networks.filter(({ network }) => network === KIND_NETWORK).map(({ subnet }) => subnet);
  const needsIpv6 = family === "ipv6" || family === "dual";
  if (user === undefined || !needsIpv6 || own.length === 0 || own.some((subnet) => subnet.includes(":"))) return [];
  const place = user.placeOf(["networking", "ipFamily"]) ?? "networking.ipFamily";
  return [
    {
      input: CONFIGURATION_INPUT,
      value: user.source,
      reason: `${place}: ${family} needs IPv6, which Docker's network ${KIND_NETWORK} does not have (${own.join(", ")})`,
      allowed: "an ipFamily that this network has: ipv4",
      fix: `leave ipFamily out, or remove that network while no cluster uses it (docker network rm ${KIND_NETWORK}): it is created again, with IPv6 if Docker has it`,
    },
  ];
}

/** Subnets of the user that overlap with Docker's default network: only what is on that network is not reachable then. */
export function warnAboutSubnets(
  user: UserConfiguration | undefined,
  networks: readonly DockerSubnet[],
): readonly string[] {
  const written = [...named(user, "podSubnet"), ...named(user, "serviceSubnet")].filter((subnet) => subnet.written);
  const bridges = networks.filter(({ network }) => network === DEFAULT_NETWORK).map(networkSubnet);
  return written.flatMap((subnet) =>
    bridges
      .filter((bridge) => haveCommonAddress(subnet, bridge))
      .map(
        (bridge) =>
          `${CONFIGURATION_INPUT}: ${describe(subnet, user)} overlaps with ${describe(bridge, user)}: pods may not reach containers on that network. Fix: choose another subnet for ${subnet.name} if they need to.`,
      ),
  );
}

function networkSubnet({ network, subnet }: DockerSubnet): NamedSubnet {
  return { name: `Docker's network ${network}`, subnet, written: false };
}

function haveCommonAddress(a: NamedSubnet, b: NamedSubnet): boolean {
  const [one, other] = [parseSubnet(a.subnet), parseSubnet(b.subnet)];
  return one !== undefined && other !== undefined && overlaps(one, other);
}

function checkPair(a: NamedSubnet, b: NamedSubnet, user: UserConfiguration | undefined): readonly Problem[] {
  if (!haveCommonAddress(a, b)) return [];
  const both = `${describe(a, user)} and ${describe(b, user)}`;
  const source = a.written || b.written ? user?.source : undefined;
  return [
    {
      input: CONFIGURATION_INPUT,
      value: source ?? both,
      reason: `${source === undefined ? "" : `${both} `}overlap, so one address could be used twice`,
      allowed: "subnets for pods, Services and Docker's networks that have no address in common",
      fix: `choose another subnet for ${(a.written || !isField(b) ? a : b).name}`,
    },
  ];
}

function describe({ name, subnet, written }: NamedSubnet, user: UserConfiguration | undefined): string {
  const place = written ? (user?.placeOf(name.split(".")) ?? name) : name;
  return `${place}: ${subnet}${written || !isField({ name }) ? "" : " (kind's default)"}`;
}

function isField({ name }: Pick<NamedSubnet, "name">): boolean {
  return name.startsWith("networking.");
}

function named(user: UserConfiguration | undefined, field: SubnetField): readonly NamedSubnet[] {
  const written = writtenSubnet(user, field) !== undefined;
  return clusterSubnets(user, field).map((subnet) => ({ name: `networking.${field}`, subnet, written }));
}

function writtenSubnet(user: UserConfiguration | undefined, field: SubnetField): string | undefined {
  const text = user?.networking[field];
  return typeof text === "string" && text.trim() !== "" ? text : undefined;
}

/** kind creates its network with this subnet if it does not exist yet. */
function withKindNetwork(networks: readonly DockerSubnet[]): readonly DockerSubnet[] {
  if (networks.some(({ network }) => network === KIND_NETWORK)) return networks;
  return [...networks, { network: KIND_NETWORK, subnet: KIND_IPV6_SUBNET }];
}
