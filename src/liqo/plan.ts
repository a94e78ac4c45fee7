import type { UserConfiguration } from "../cluster/config/read.ts";
import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import type { Problem } from "../errors.ts";
import { type ClusterSubnets, chooseSubnets, findOverlap, type TakenSubnet } from "./subnets.ts";

const FIELDS = ["podSubnet", "serviceSubnet"] as const;

/** What a cluster for Liqo is planned from. */
interface Surroundings {
  readonly user: UserConfiguration | undefined;
  readonly taken: readonly TakenSubnet[];
}

/** Gives a cluster that is to be peered the subnets that its configuration does not name. */
export function applyLiqo(shape: ClusterShape, surroundings: Surroundings): ClusterShape {
  const missing = FIELDS.filter((field) => writtenSubnet(surroundings.user, field) === undefined);
  const chosen = missing.length === 0 ? undefined : choose(shape, surroundings);
  if (chosen === undefined || usesIpv6(surroundings.user)) return shape;
  const subnets: Partial<ClusterSubnets> = Object.fromEntries(missing.map((field) => [field, chosen[field]]));
  return { ...shape, ...subnets, subnets };
}

/** The rows of the summary and of the log. */
export function liqoRows(
  liqo: boolean,
  { name, podSubnet, serviceSubnet }: Pick<ClusterShape, "name"> & ClusterSubnets,
): readonly (readonly [string, string])[] {
  if (!liqo) return [];
  return [["Liqo", `prepared: cluster id ${name}, pods ${podSubnet}, Services ${serviceSubnet}`]];
}

/** What keeps a cluster from being peered. */
export function checkLiqo(shape: ClusterShape, surroundings: Surroundings): readonly Problem[] {
  const { user } = surroundings;
  const missing = FIELDS.some((field) => writtenSubnet(user, field) === undefined);
  return [
    ...checkClusterId(shape),
    ...(usesIpv6(user)
      ? [describeFamily(user)]
      : FIELDS.flatMap((field) => checkWritten(field, shape.name, surroundings))),
    ...(missing && choose(shape, surroundings) === undefined ? [NO_SUBNETS] : []),
  ];
}

/** Liqo's rule for a cluster id (its pkg/liqoctl/install/validation.go): a DNS label. */
function checkClusterId({ name, nameField }: ClusterShape): readonly Problem[] {
  if (/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name)) return [];
  return [
    {
      ...nameField,
      input: `${nameField.input} and liqo`,
      reason: "cannot be the id of a cluster in Liqo, which has to be a DNS label",
      allowed: "with liqo: true, lower-case letters, digits and hyphens, with a letter or digit at both ends",
      fix: "choose a name such as bologna",
    },
  ];
}

function describeFamily(user: UserConfiguration | undefined): Problem {
  const place = user?.placeOf(["networking", "ipFamily"]) ?? "networking.ipFamily";
  return {
    input: `${CONFIGURATION_INPUT} and liqo`,
    value: user?.source ?? "",
    reason: `${place}: ${user?.networking.ipFamily} does not fit liqo: true, because Liqo maps only IPv4 subnets`,
    allowed: "ipFamily: ipv4 with liqo: true",
    fix: "remove ipFamily, or set liqo: false",
  };
}

/** A subnet of the user's that another cluster has: peered, the two would have one address twice. */
function checkWritten(field: keyof ClusterSubnets, own: string, { user, taken }: Surroundings): readonly Problem[] {
  const subnet = writtenSubnet(user, field);
  if (user === undefined || subnet === undefined) return [];
  const clusters = taken.filter(({ cluster }) => cluster !== undefined && cluster !== own);
  const overlap = findOverlap(subnet, clusters);
  if (overlap === undefined) return [];
  return [
    {
      input: `${CONFIGURATION_INPUT} and liqo`,
      value: user.source,
      reason: `${user.placeOf(["networking", field])}: ${subnet} and ${overlap.holder} (${overlap.subnet}) overlap, so the two cannot be peered without mapping addresses`,
      allowed: "with liqo: true, subnets that no other kind cluster of this Docker Engine has",
      fix: `choose another subnet, or remove networking.${field}: then the step chooses one`,
    },
  ];
}

const NO_SUBNETS: Problem = {
  input: "liqo",
  value: "true",
  reason: "finds no subnets for pods and Services: in each of 10.128.0.0/16 to 10.223.0.0/16, addresses are in use",
  allowed: "subnets that no other kind cluster, no network of Docker's and no network of this machine has",
  fix: "remove clusters that are not needed, or name networking.podSubnet and networking.serviceSubnet in kind-config",
};

function choose({ name }: Pick<ClusterShape, "name">, { user, taken }: Surroundings): ClusterSubnets | undefined {
  const written = FIELDS.flatMap((field) => {
    const subnet = writtenSubnet(user, field);
    return subnet === undefined ? [] : [{ subnet, holder: `networking.${field}` }];
  });
  return chooseSubnets(name, [...taken.filter(({ cluster }) => cluster !== name), ...written]);
}

function usesIpv6(user: UserConfiguration | undefined): boolean {
  return (user?.networking.ipFamily ?? "ipv4") !== "ipv4";
}

function writtenSubnet(user: UserConfiguration | undefined, field: keyof ClusterSubnets): string | undefined {
  const text = user?.networking[field];
  return typeof text === "string" && text.trim() !== "" ? text.trim() : undefined;
}
