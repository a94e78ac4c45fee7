import { createHash } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { DEFAULT_NETWORK, findGateway, KIND_NETWORK } from "../docker/networks.ts";
import { Failure, InputError, type Problem } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";

/** Whether a name server answers at an address: any answer counts, "no such name" too. */
export async function isDnsServer(address: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([address]);
  try {
    await resolver.resolve4("kubernetes.io");
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return !["ECONNREFUSED", "ETIMEOUT", "ECONNRESET", "EHOSTUNREACH"].includes(String(code));
  }
}

/** The IPv6 subnet that kind gives its own network: derived from the network's name, so a constant. */
export const KIND_IPV6_SUBNET = "fc00:f853:ccd:e793::/64";

/**
 * The resolver on the Docker host as kind's nodes see it: the gateway of kind's network, which is made as kind makes
 * it where it does not exist yet.
 * @throws InputError where nothing answers there.
 */
export async function findHostResolver(known: string | undefined, exec: Exec): Promise<string> {
  const gateway = known ?? (await makeKindNetwork(exec));
  if (await isDnsServer(gateway)) return gateway;
  throw new InputError([resolverNotAnswering(gateway)]);
}

/** That `docker-host` was asked for where nothing answers. */
export function resolverNotAnswering(gateway: string): Problem {
  return {
    input: "dns",
    value: "docker-host",
    reason: `asks for the Docker host's resolver, but nothing answers DNS queries on ${gateway}, the gateway of Docker's network "${KIND_NETWORK}"`,
    allowed: "docker-host where a resolver listens on that address",
    fix: "on hosts with systemd-resolved the resolver listens on 127.0.0.53 alone: use no-search-domains (the default), or name a resolv.conf file whose name server pods can reach",
  };
}

/**
 * Makes kind's network as kind does (its pkg/cluster/internal/providers/docker/network.go): with the default bridge's
 * MTU, and with a ULA subnet that follows from the network's name; another one where that is taken, none where Docker
 * has no IPv6.
 */
async function makeKindNetwork(exec: Exec): Promise<string> {
  const mtu = await findDefaultMtu(exec);
  for (let attempt = 0; ; attempt += 1) {
    const made = await createKindNetwork(networkArgs(mtu, ulaSubnet(KIND_NETWORK, attempt)), exec);
    if (made === "no-ipv6") await createKindNetwork(networkArgs(mtu, undefined), exec);
    if (made !== "overlap") break;
    // Who else takes the subnet may be kind itself, making its network in the same moment.
    if ((await findGateway(KIND_NETWORK, exec)) !== undefined) break;
    if (attempt === MAX_SUBNETS - 1) {
      throw new Failure(`Docker's network "${KIND_NETWORK}" cannot be made: each of its IPv6 subnets is in use.`, {
        fix: "remove networks that are not needed (docker network prune)",
      });
    }
  }
  const gateway = await findGateway(KIND_NETWORK, exec);
  if (gateway === undefined) throw new Failure(`Docker's network "${KIND_NETWORK}" has no IPv4 gateway.`);
  return gateway;
}

/** As many as kind tries. */
const MAX_SUBNETS = 5;

/** What kind asks Docker for. */
export function networkArgs(mtu: number | undefined, subnet: string | undefined): readonly string[] {
  return [
    ...["network", "create", "--driver=bridge", "--opt=com.docker.network.bridge.enable_ip_masquerade=true"],
    ...(mtu === undefined ? [] : [`--opt=${MTU_OPTION}=${mtu}`]),
    ...(subnet === undefined ? [] : ["--ipv6", `--subnet=${subnet}`]),
    KIND_NETWORK,
  ];
}

const MTU_OPTION = "com.docker.network.driver.mtu";

/** The subnet that kind tries: fc00::/8, then six bytes of a hash of the network's name and the attempt. */
export function ulaSubnet(name: string, attempt: number): string {
  const counter = Buffer.alloc(4);
  counter.writeInt32LE(attempt);
  const hash = createHash("sha1").update(name).update(counter).digest();
  const groups = [2, 4, 6].map((offset) => hash.readUInt16BE(offset).toString(16));
  return `fc00:${groups.join(":")}::/64`;
}

/** The MTU of Docker's default network; `undefined` where it has none of its own. */
async function findDefaultMtu(exec: Exec): Promise<number | undefined> {
  try {
    const { stdout } = await exec({
      file: "docker",
      args: ["network", "inspect", DEFAULT_NETWORK, "--format", `{{index .Options "${MTU_OPTION}"}}`],
      timeoutSeconds: 30,
      purpose: "reading the default network's MTU",
    });
    return /^[1-9]\d*$/.test(stdout.trim()) ? Number(stdout) : undefined;
  } catch (error) {
    // A daemon may run without it (--bridge=none).
    if (error instanceof CommandError && /not found|no such network/i.test(error.stderr)) return undefined;
    throw error;
  }
}

async function createKindNetwork(args: readonly string[], exec: Exec): Promise<"made" | "overlap" | "no-ipv6"> {
  try {
    await exec({ file: "docker", args, timeoutSeconds: 60, purpose: "making kind's network" });
    return "made";
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const refusal = readNetworkRefusal(error.stderr);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** What Docker's refusal of a network means; `undefined` where kind gives up too. */
export function readNetworkRefusal(words: string): "made" | "overlap" | "no-ipv6" | undefined {
  if (/already exists/.test(words)) return "made";
  if (/Pool overlaps with other one|networks have overlapping/.test(words)) return "overlap";
  // Without IPv6 in the kernel, or with ip6tables that do not work.
  return /Cannot read IPv6 setup for bridge|ip6tables/.test(words) ? "no-ipv6" : undefined;
}
