import { Resolver } from "node:dns/promises";
import { Failure, InputError, type Problem } from "../failure.ts";
import { CommandError, type Run } from "../process.ts";
import { findGateway, KIND_NETWORK } from "./docker.ts";

/** Whether a name server answers at an address: any answer counts, "no such name" too. */
export async function answersDns(address: string): Promise<boolean> {
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
const KIND_IPV6_SUBNET = "fc00:f853:ccd:e793::/64";

/**
 * The resolver on the Docker host as kind's nodes see it: the gateway of kind's network, which is made as kind makes
 * it where it does not exist yet.
 * @throws InputError where nothing answers there.
 */
export async function findHostResolver(known: string | undefined, run: Run): Promise<string> {
  const gateway = known ?? (await makeKindNetwork(run));
  if (await answersDns(gateway)) return gateway;
  throw new InputError([describeSilence(gateway)]);
}

/** That `docker-host` was asked for where nothing answers. */
export function describeSilence(gateway: string): Problem {
  return {
    input: "dns",
    value: "docker-host",
    reason: `asks for the Docker host's resolver, but nothing answers DNS queries on ${gateway}, the gateway of Docker's network "${KIND_NETWORK}"`,
    allowed: "docker-host where a resolver listens on that address",
    fix: "on hosts with systemd-resolved the resolver listens on 127.0.0.53 alone: use no-search-domains (the default), or name a resolv.conf file whose name server pods can reach",
  };
}

async function makeKindNetwork(run: Run): Promise<string> {
  const args = ["network", "create", "--driver=bridge", "--opt=com.docker.network.bridge.enable_ip_masquerade=true"];
  const create = (extra: readonly string[]) =>
    run({
      file: "docker",
      args: [...args, ...extra, KIND_NETWORK],
      timeoutSeconds: 60,
      purpose: "making kind's network",
    });
  try {
    await create(["--ipv6", `--subnet=${KIND_IPV6_SUBNET}`]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // Docker without IPv6: kind falls back in the same way.
    if (!/already exists/.test(error.stderr)) await create([]);
  }
  const gateway = await findGateway(KIND_NETWORK, run);
  if (gateway === undefined) throw new Failure(`Docker's network "${KIND_NETWORK}" has no IPv4 gateway.`);
  return gateway;
}
