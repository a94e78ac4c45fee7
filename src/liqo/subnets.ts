import { createHash } from "node:crypto";
import { overlaps, parseSubnet } from "../values/subnets.ts";

/** The subnets of a cluster's pods and Services. */
export interface ClusterSubnets {
  readonly podSubnet: string;
  readonly serviceSubnet: string;
}

/** A subnet that is in use, and what uses it. */
export interface TakenSubnet {
  readonly subnet: string;
  /** For a message, such as `the pods of the cluster catania`. */
  readonly holder: string;
  /** The kind cluster, where it is one. */
  readonly cluster?: string;
}

/**
 * A /16 for each cluster, half of it for pods: 10.128 to 10.223 are neither kind's defaults (10.244, 10.96), nor in use on
 * GitHub's machines (10.1) or in Docker (172.17 and on).
 */
const FIRST = 128;
const COUNT = 96;

/** The subnets that a cluster may get, in the order in which they are tried: the first follows from its name alone. */
export function candidateSubnets(cluster: string): readonly ClusterSubnets[] {
  const start = createHash("sha256").update(cluster).digest().readUInt32BE() % COUNT;
  return Array.from({ length: COUNT }, (_, index) => {
    const second = FIRST + ((start + index) % COUNT);
    return { podSubnet: `10.${second}.0.0/17`, serviceSubnet: `10.${second}.128.0/17` };
  });
}

/** The first of a cluster's candidates that has no address in common with what is in use; `undefined` if each has. */
export function chooseSubnets(cluster: string, taken: readonly TakenSubnet[]): ClusterSubnets | undefined {
  return candidateSubnets(cluster).find(({ podSubnet, serviceSubnet }) =>
    [podSubnet, serviceSubnet].every((subnet) => findOverlap(subnet, taken) === undefined),
  );
}

/** What is in use and has an address in common with a subnet. */
export function findOverlap(subnet: string, taken: readonly TakenSubnet[]): TakenSubnet | undefined {
  const own = parseSubnet(subnet);
  if (own === undefined) return undefined;
  return taken.find((each) => {
    const other = parseSubnet(each.subnet);
    return other !== undefined && overlaps(own, other);
  });
}
