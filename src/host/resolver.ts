import { Resolver } from "node:dns/promises";
import { createKindNetwork } from "../docker/kind-network.ts";
import { KIND_NETWORK } from "../docker/networks.ts";
import { errorCode, InputError, type Problem } from "../errors.ts";
import type { Exec } from "../exec.ts";

/** Whether a name server answers at an address: any answer counts, "no such name" too. */
export async function isDnsServer(address: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([address]);
  try {
    await resolver.resolve4("kubernetes.io");
    return true;
  } catch (error) {
    return !["ECONNREFUSED", "ETIMEOUT", "ECONNRESET", "EHOSTUNREACH"].includes(String(errorCode(error)));
  }
}

/**
 * The resolver on the Docker host as kind's nodes see it: the gateway of kind's network, which is created as kind does
 * if it does not exist yet.
 * @throws InputError if nothing answers there.
 */
export async function findHostResolver(known: string | undefined, exec: Exec): Promise<string> {
  const gateway = known ?? (await createKindNetwork(exec));
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
    fix: "on hosts with systemd-resolved the resolver listens only on 127.0.0.53: use no-search-domains (the default), or name a resolv.conf file whose name server pods can reach",
  };
}
