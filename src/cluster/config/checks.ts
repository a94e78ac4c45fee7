import { asList, isRecord } from "../../values/data.ts";
import type { Issue } from "../../values/issue.ts";
import { parseSubnet } from "../../values/subnets.ts";
import type { ConfigurationReader } from "./reader.ts";

/** kind's own two fields, which every configuration needs. */
export function checkHeader(document: Readonly<Record<string, unknown>>, reader: ConfigurationReader): void {
  const header = { kind: "Cluster", apiVersion: "kind.x-k8s.io/v1alpha4" };
  for (const [field, value] of Object.entries(header)) {
    if (document[field] !== undefined || reader.hasProblem([field])) continue;
    reader.addProblem([field], { reason: "is missing", allowed: value, fix: `write ${field}: ${value}` });
  }
}

/** The subnets of pods and Services, where the configuration names them. */
export function checkSubnets(networking: Readonly<Record<string, unknown>>, reader: ConfigurationReader): void {
  const family = String(networking.ipFamily ?? "ipv4");
  for (const field of ["podSubnet", "serviceSubnet"]) {
    const text = networking[field];
    const issue = typeof text === "string" && text !== "" ? checkSubnet(text, family) : undefined;
    if (issue !== undefined) reader.addProblem(["networking", field], issue);
  }
}

const EXAMPLES: Readonly<Record<string, string>> = {
  ipv6: "fd00:10:244::/56",
  dual: "10.244.0.0/16,fd00:10:244::/56",
};

/** kind's validateSubnets: one subnet of the cluster's family; with `dual` one, or one of each family. */
function checkSubnet(text: string, family: string): Issue | undefined {
  const isDual = family === "dual";
  const allowed = isDual
    ? "a subnet, or an IPv4 and an IPv6 subnet separated by a comma"
    : `one ${family === "ipv6" ? "IPv6" : "IPv4"} subnet (networking.ipFamily is ${family})`;
  const fix = `write a subnet such as ${EXAMPLES[family] ?? "10.244.0.0/16"}`;
  const subnets = text.split(",").map((each) => (/\s|^::ffff:/i.test(each) ? undefined : parseSubnet(each)));
  const families = subnets.flatMap((each) => each?.family ?? []);
  if (families.length < subnets.length) return { reason: "is not a subnet", allowed, fix };
  if (families.length > (isDual ? 2 : 1) || new Set(families).size < families.length) {
    return { reason: "has too many subnets", allowed, fix };
  }
  if (isDual || families[0] === family) return undefined;
  const reason = `is not an ${family === "ipv6" ? "IPv6" : "IPv4"} subnet`;
  return { reason, allowed, fix: `${fix}, or set networking.ipFamily` };
}

/** Port mappings need a port of the node: Docker cannot publish port 0 of a container. */
export function checkPortMappings(nodes: unknown, reader: ConfigurationReader): void {
  for (const [index, node] of asList(nodes).entries()) {
    for (const [position, mapping] of asList(isRecord(node) ? node.extraPortMappings : undefined).entries()) {
      const path = ["nodes", index, "extraPortMappings", position];
      if (!isRecord(mapping) || mapping.containerPort !== undefined || reader.hasProblem(path)) continue;
      const allowed = "a mapping with containerPort";
      reader.addProblem(path, { reason: "has no containerPort", allowed, fix: "add containerPort" });
    }
  }
}
