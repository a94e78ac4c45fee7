import { isIPv6 } from "node:net";
import type { UserConfiguration } from "../cluster/config/read.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import { type EngineSite, sharesPorts } from "../docker/site.ts";
import type { Problem } from "../errors.ts";
import type { Inputs } from "../inputs/inputs.ts";
import type { PlanFacts } from "./facts.ts";

/**
 * Where the engine is on another machine, the API server is published there on every address, and the name by which Docker's
 * client reaches that machine is in its certificate.
 */
export function applyEngineSite(inputs: Inputs, user: UserConfiguration | undefined, site: EngineSite): Inputs {
  if (site.kind !== "remote" || sharesPorts(site)) return inputs;
  const explicit = inputs.apiServerAddress !== undefined || user?.networking.apiServerAddress !== undefined;
  const everywhere = user?.networking.ipFamily === "ipv6" || isIPv6(site.host) ? "::" : "0.0.0.0";
  return {
    ...inputs,
    apiServerAddress: explicit ? inputs.apiServerAddress : everywhere,
    extraSans: [...new Set([...inputs.extraSans, site.host])],
  };
}

/** What cannot work where the engine's machine is another one, or this step is in a container. */
export function checkEngineSite({ inputs, host }: PlanFacts, shape: ClusterShape): readonly Problem[] {
  const { site } = host;
  if (site.kind === "remote")
    return sharesPorts(site) ? checkTorch(inputs, site.host) : checkRemote(inputs, site.host, shape);
  return site.kind === "container" && site.networks.includes("none") ? [refuseNoNetwork(site.name)] : [];
}

/** Docker lets a container without a network join none. */
function refuseNoNetwork(container: string): Problem {
  return {
    input: "runs-on",
    value: container,
    reason: "is this job's container and has no network (none), so no step in it can reach a cluster",
    allowed: "a container with a network of its own, or with that of the machine",
    fix: "remove --network none from the options of the job's container",
  };
}

function checkRemote(
  inputs: Inputs,
  host: string,
  { apiServerAddress, addressField, dns }: ClusterShape,
): readonly Problem[] {
  return [
    ...checkTorch(inputs, host),
    ...(/^127\.|^::1$/.test(apiServerAddress)
      ? [
          {
            ...addressField,
            reason: `publishes the API server on ${apiServerAddress} of the engine's machine, ${host}, where this step cannot reach it`,
            allowed: "an address of that machine that this one reaches, or 0.0.0.0 for all",
            fix: "leave the address out: with an engine on another machine it is 0.0.0.0",
          },
        ]
      : []),
    ...(dns.kind === "docker-host"
      ? [
          {
            input: "dns",
            value: "docker-host",
            reason: `asks for a resolver on the engine's machine, ${host}, which cannot be looked at from here`,
            allowed: "no-search-domains, inherit or a resolv.conf file with an engine on another machine",
            fix: "name a resolv.conf file whose name server pods can reach",
          },
        ]
      : []),
  ];
}

/** TORCH-V2's compose files mount folders of the checkout, and its containers the credentials. */
function checkTorch({ torch }: Inputs, host: string): readonly Problem[] {
  if (torch === undefined) return [];
  return [
    {
      input: "torch",
      value: "source" in torch && torch.source.kind === "folder" ? torch.source.path : "a git URL",
      reason: `needs its files on the machine of Docker Engine (${host}): TORCH-V2's containers mount the credentials and parts of the checkout, and that machine does not have them`,
      allowed: "TORCH-V2 with an engine that sees this step's files",
      fix: "run the job where Docker Engine runs, or in a container of that engine with its socket mounted",
    },
  ];
}
