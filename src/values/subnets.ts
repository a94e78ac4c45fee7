import { BlockList, isIP } from "node:net";

/** A range of addresses, as `10.244.0.0/16` writes it. */
export interface Subnet {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads a subnet; bits after the prefix may be set, as Go's net.ParseCIDR allows. */
export function parseSubnet(text: string): Subnet | undefined {
  const [, address = "", digits = ""] = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text.trim()) ?? [];
  const version = isIP(address);
  const prefix = Number(digits);
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}

/** Whether two subnets have an address in common: then one contains the other. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && (contains(a, b.address) || contains(b, a.address));
}

function contains({ address, prefix, family }: Subnet, other: string): boolean {
  const range = new BlockList();
  range.addSubnet(address, prefix, family);
  return range.check(other, family);
}
