import type { Problem } from "../../errors.ts";
import type { DnsMode } from "../../values/dns.ts";
import { type ClusterNode, nameNodes, nodeNames } from "../../values/nodes.ts";
import { findContradictions, type ShapeInputs } from "./contradictions.ts";
import type { Path } from "./places.ts";
import type { UserConfiguration } from "./read.ts";
import { CONFIGURATION_INPUT } from "./reader.ts";
import { roleOf } from "./roles.ts";

/** kind's defaults for IPv4. */
const POD_SUBNET = "10.244.0.0/16";
const SERVICE_SUBNET = "10.96.0.0/16";

const MAX_HOSTNAME_LENGTH = 63;

/** A field as the user wrote it: the input, and the value with the field's name and position where it is in a file. */
export type Field = Pick<Problem, "input" | "value">;

/** The cluster that the inputs and the user's configuration describe together. */
export interface ClusterShape {
  readonly name: string;
  /** Where the user wrote the name; the input where it is the default. */
  readonly nameField: Field;
  readonly nodes: readonly ClusterNode[];
  readonly dns: DnsMode;
  readonly apiServerAddress: string;
  readonly addressField: Field;
  readonly extraSans: readonly string[];
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** Those of the two that the configuration does not name, and that are not kind's defaults. */
  readonly subnets?: Readonly<Partial<Record<"podSubnet" | "serviceSubnet", string>>> | undefined;
  /** False where the user brings a network plugin: no node becomes Ready before it is installed. */
  readonly defaultCni: boolean;
  readonly problems: readonly Problem[];
}

/** Plans the cluster's shape from the inputs and the user's configuration, with the problems of the two. */
export function planShape(inputs: ShapeInputs, user: UserConfiguration | undefined): ClusterShape {
  const name = inputs.clusterName ?? user?.name ?? "bologna";
  const nameField = findNameField(name, inputs, user);
  const nodes = nameNodes(name, planRoles(inputs, user));
  const networking = user?.networking;
  const isIpv6 = networking?.ipFamily === "ipv6";
  const ownSearch = networking?.dnsSearch ?? undefined;
  return {
    name,
    nameField,
    nodes,
    dns: inputs.dns ?? (ownSearch === undefined ? { kind: "no-search-domains" } : { kind: "inherit" }),
    apiServerAddress: inputs.apiServerAddress ?? user?.apiServerAddress ?? (isIpv6 ? "::1" : "127.0.0.1"),
    addressField: findAddressField(inputs.apiServerAddress, user),
    extraSans: inputs.extraSans,
    podSubnet: textOr(networking?.podSubnet, POD_SUBNET),
    serviceSubnet: textOr(networking?.serviceSubnet, SERVICE_SUBNET),
    defaultCni: networking?.disableDefaultCNI !== true,
    problems: [
      ...findContradictions(inputs, user),
      ...checkControlPlane(user),
      ...checkHostnames({ name, nameField, nodes }),
    ],
  };
}

/** The roles of the configured nodes; the inputs' counts where the configuration has no nodes. */
function planRoles({ controlPlanes, workers }: ShapeInputs, user: UserConfiguration | undefined) {
  if (user !== undefined && user.nodes.length > 0) return user.nodes.map(roleOf);
  return [
    ...Array<ClusterNode["role"]>(controlPlanes ?? 1).fill("control-plane"),
    ...Array<ClusterNode["role"]>(workers ?? 1).fill("worker"),
  ];
}

function checkControlPlane(user: UserConfiguration | undefined): readonly Problem[] {
  if (user === undefined || user.nodes.length === 0) return [];
  if (user.nodes.some((node) => roleOf(node) === "control-plane")) return [];
  return [
    {
      input: CONFIGURATION_INPUT,
      value: user.source,
      reason: `${user.placeOf(["nodes"])} has no control-plane node`,
      allowed: "at least one node of role control-plane",
      fix: "add - role: control-plane",
    },
  ];
}

/** A node's name is its container's hostname. */
function checkHostnames({ name, nameField, nodes }: Pick<ClusterShape, "name" | "nameField" | "nodes">) {
  const longest = nodeNames(name, nodes).toSorted((a, b) => b.length - a.length)[0] ?? name;
  if (longest.length <= MAX_HOSTNAME_LENGTH) return [];
  const room = MAX_HOSTNAME_LENGTH - (longest.length - name.length);
  return [
    {
      ...nameField,
      reason: `is too long: the node ${longest} would have a hostname of ${longest.length} characters`,
      allowed: `at most ${room} characters with these nodes, as a hostname has at most ${MAX_HOSTNAME_LENGTH}`,
      fix: "choose a shorter name",
    },
  ];
}

function findNameField(name: string, { clusterName }: ShapeInputs, user: UserConfiguration | undefined): Field {
  const isConfigured = clusterName === undefined && user?.name !== undefined;
  return isConfigured ? fieldAt(user, ["name"], name) : { input: "cluster-name", value: name };
}

function findAddressField(given: string | undefined, user: UserConfiguration | undefined): Field {
  if (given !== undefined) return { input: "api-server-address", value: given };
  if (user?.apiServerAddress !== undefined) {
    return fieldAt(user, ["networking", "apiServerAddress"], user.apiServerAddress);
  }
  return user?.networking.ipFamily === "ipv6"
    ? fieldAt(user, ["networking", "ipFamily"], "ipv6")
    : { input: "api-server-address", value: "127.0.0.1" };
}

/** A field of the user's configuration, with its position. */
function fieldAt(user: UserConfiguration, path: Path, value: string): Field {
  const position = user.positionOf(path);
  const place = position === undefined ? user.source : `${position} of ${user.source}`;
  return { input: CONFIGURATION_INPUT, value: `${path.join(".")}: ${value} (${place})` };
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}
