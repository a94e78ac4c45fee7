import { createHash } from "node:crypto";
import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { docker } from "./client.ts";
import { findDefaultMtu, findGateway, KIND_NETWORK, MTU_OPTION } from "./networks.ts";

/** The IPv6 subnet that kind gives its own network: derived from the network's name, so a constant. */
export const KIND_IPV6_SUBNET = "fc00:f853:ccd:e793::/64";

/** As many as kind tries. */
const MAX_SUBNETS = 5;

/**
 * Creates kind's network as kind does (its pkg/cluster/internal/providers/docker/network.go): with the default bridge's
 * MTU, and with a ULA subnet that follows from the network's name; another one where that is taken, none where Docker
 * has no IPv6.
 * @returns its IPv4 gateway.
 */
export async function createKindNetwork(exec: Exec): Promise<string> {
  const mtu = await findDefaultMtu(exec);
  for (let attempt = 0; ; attempt += 1) {
    const result = await tryToCreate(networkArgs(mtu, ulaSubnet(KIND_NETWORK, attempt)), exec);
    if (result === "no-ipv6") await tryToCreate(networkArgs(mtu, undefined), exec);
    if (result !== "overlap") break;
    // Who else takes the subnet may be kind itself, creating its network in the same moment.
    if ((await findGateway(KIND_NETWORK, exec)) !== undefined) break;
    if (attempt === MAX_SUBNETS - 1) {
      throw new Failure(`Docker's network "${KIND_NETWORK}" cannot be created: each of its IPv6 subnets is in use.`, {
        fix: "remove networks that are not needed (docker network prune)",
      });
    }
  }
  const gateway = await findGateway(KIND_NETWORK, exec);
  if (gateway === undefined)
    throw new Failure(`Docker's network "${KIND_NETWORK}" has no IPv4 gateway.`, {
      fix: "remove that network while no cluster uses it (docker network rm kind); it is created again",
    });
  return gateway;
}

/** What kind asks Docker for. */
export function networkArgs(mtu: number | undefined, subnet: string | undefined): readonly string[] {
  return [
    ...["network", "create", "--driver=bridge", "--opt=com.docker.network.bridge.enable_ip_masquerade=true"],
    ...(mtu === undefined ? [] : [`--opt=${MTU_OPTION}=${mtu}`]),
    ...(subnet === undefined ? [] : ["--ipv6", `--subnet=${subnet}`]),
    KIND_NETWORK,
  ];
}

/** The subnet that kind tries: fc00::/8, then six bytes of a hash of the network's name and the attempt. */
export function ulaSubnet(name: string, attempt: number): string {
  const counter = Buffer.alloc(4);
  counter.writeInt32LE(attempt);
  const hash = createHash("sha1").update(name).update(counter).digest();
  const groups = [2, 4, 6].map((offset) => hash.readUInt16BE(offset).toString(16));
  return `fc00:${groups.join(":")}::/64`;
}

/** What came of a request for the network. */
type Creation = "created" | "overlap" | "no-ipv6";

async function tryToCreate(args: readonly string[], exec: Exec): Promise<Creation> {
  try {
    await docker(args, { timeoutSeconds: 60, purpose: "creating kind's network" }, exec);
    return "created";
  } catch (error) {
    const refusal = error instanceof CommandError ? readNetworkRefusal(error.stderr) : undefined;
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** What Docker's refusal of a network means; `undefined` where kind gives up too. */
export function readNetworkRefusal(words: string): Creation | undefined {
  if (/already exists/.test(words)) return "created";
  if (/Pool overlaps with other one|networks have overlapping/.test(words)) return "overlap";
  // Without IPv6 in the kernel, or with ip6tables that do not work.
  return /Cannot read IPv6 setup for bridge|ip6tables/.test(words) ? "no-ipv6" : undefined;
}
