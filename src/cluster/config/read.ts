import type { Problem } from "../../errors.ts";
import { asList, isRecord } from "../../values/data.ts";
import { parseSubnet } from "../../values/subnets.ts";
import { describeYamlIssue, readYamlText, YAML_LIMITS, type YamlIssue } from "../../values/yaml.ts";
import { CLUSTER } from "./fields.ts";
import { type HostPath, readHostPaths } from "./mounts.ts";
import { checkPatches } from "./patches.ts";
import { CONFIGURATION_INPUT, ConfigurationReader, type Path, type Wrong } from "./reader.ts";

export { asList, isRecord } from "../../values/data.ts";
export { patchesOf, readPatch, splitDocuments } from "./patches.ts";
export { CONFIGURATION_INPUT } from "./reader.ts";

/** A kind configuration as data, or a part of it. */
export type KindConfiguration = Readonly<Record<string, unknown>>;

/** The user's kind configuration, read and checked, with what the rest of the plan asks of it. */
export interface UserConfiguration {
  readonly source: string;
  /** What kind reads out of the text, each value of the field's type. */
  readonly document: KindConfiguration;
  readonly name: string | undefined;
  readonly nodes: readonly KindConfiguration[];
  readonly networking: KindConfiguration;
  /** What is on the host and is to be mounted: whether it is there is not known yet. */
  readonly hostPaths: readonly HostPath[];
  /** What is not wrong, and most likely not meant. */
  readonly warnings: readonly string[];
  /** A field's name with its line and column. */
  readonly placeOf: (path: Path) => string;
  /** The line and column alone, for a sentence that has the field's name already. */
  readonly positionOf: (path: Path) => string | undefined;
  /** Something that is wrong with a field, as a problem. */
  readonly problemAt: (path: Path, issue: Parameters<Wrong>[1]) => Problem;
}

const ALLOWED = "one kind configuration (kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4)";
const MAX_BYTES = 100_000;

/** More errors than these in one text say nothing new. */
const MAX_ERRORS = 10;

/**
 * Reads a kind configuration of the user's.
 * @param source what to call it in messages: a path, or "inline".
 */
export function parseKindConfiguration(
  text: string,
  source: string,
): { readonly configuration: UserConfiguration } | { readonly problems: readonly Problem[] } {
  const read = readYamlText(text, { uniqueKeys: true, maxBytes: MAX_BYTES, asWritten: true });
  if ("issues" in read) {
    const problems = read.issues.slice(0, MAX_ERRORS).map((issue) => ({
      input: CONFIGURATION_INPUT,
      value: source,
      reason: describeYamlIssue(issue),
      allowed: ALLOWED,
      fix: YAML_FIXES[issue.kind],
    }));
    return { problems };
  }
  const reader = new ConfigurationReader(read, text, source);
  if (!isRecord(read.value)) {
    reader.wrong([], { reason: "is not a mapping", allowed: ALLOWED, fix: "start with kind: Cluster" });
    return { problems: reader.problems };
  }
  const document = reader.read(CLUSTER);
  if (!isRecord(document)) return { problems: reader.problems };
  const networking = isRecord(document.networking) ? document.networking : {};
  const nodes = asList(document.nodes).filter(isRecord);
  checkHeader(document, reader);
  for (const field of ["podSubnet", "serviceSubnet"]) checkSubnetField(networking, field, reader.wrong);
  const hostPaths = readHostPaths(document.nodes, reader);
  checkPortMappings(document.nodes, reader);
  checkPatches(document, [], reader);
  for (const [index, node] of asList(document.nodes).entries()) checkPatches(node, ["nodes", index], reader);
  if (reader.problems.length > 0) return { problems: reader.problems };
  return {
    configuration: {
      source,
      document,
      name: typeof document.name === "string" ? document.name : undefined,
      nodes,
      networking,
      hostPaths,
      warnings: [...warnAboutRoles(nodes, reader), ...warnAboutMounts(nodes, reader)],
      placeOf: (path) => reader.placeOf(path),
      positionOf: (path) => reader.positionOf(path),
      problemAt: (path, issue) => reader.problemAt(path, issue),
    },
  };
}

const YAML_FIXES: Readonly<Record<YamlIssue["kind"], string>> = {
  syntax: "fix the YAML there",
  limit: "write a configuration by hand",
  expansion: `use at most ${YAML_LIMITS.expansions} aliases of an anchor, each after its anchor and outside it`,
  alias: "write the anchor before it, or put a text that begins with * in quotes",
  characters: "take it out, or write it as an escape in double quotes",
  documents: "put one of the documents into a file of its own: kind reads the first and drops the others",
};

function checkHeader(document: KindConfiguration, reader: ConfigurationReader): void {
  for (const [field, value] of [
    ["kind", "Cluster"],
    ["apiVersion", "kind.x-k8s.io/v1alpha4"],
  ] as const) {
    if (document[field] !== undefined || reader.isWrong([field])) continue;
    reader.wrong([field], { reason: "is missing", allowed: value, fix: `write ${field}: ${value}` });
  }
}

/** kind's validateSubnets: one subnet of the cluster's family, or with `dual` one, or one of each. */
function checkSubnetField(networking: KindConfiguration, field: string, wrong: Wrong): void {
  const text = networking[field];
  if (typeof text !== "string" || text === "") return;
  const family = networking.ipFamily ?? "ipv4";
  const allowed =
    family === "dual"
      ? "a subnet, or an IPv4 and an IPv6 one with a comma between them"
      : `one ${family === "ipv6" ? "IPv6" : "IPv4"} subnet (networking.ipFamily is ${family})`;
  const fix = `write a subnet such as ${EXAMPLES[String(family)] ?? "10.244.0.0/16"}`;
  const subnets = text.split(",").map((each) => (/\s|^::ffff:/i.test(each) ? undefined : parseSubnet(each)));
  const families = subnets.flatMap((each) => each?.family ?? []);
  const place = ["networking", field];
  if (families.length < subnets.length) {
    wrong(place, { reason: "is not a subnet", allowed, fix });
  } else if (families.length > (family === "dual" ? 2 : 1) || new Set(families).size < families.length) {
    wrong(place, { reason: "has too many subnets", allowed, fix });
  } else if (family !== "dual" && families[0] !== family) {
    wrong(place, {
      reason: `is not a subnet of the family ${family}`,
      allowed,
      fix: `${fix}, or set networking.ipFamily`,
    });
  }
}

const EXAMPLES: Readonly<Record<string, string>> = {
  ipv6: "fd00:10:244::/56",
  dual: "10.244.0.0/16,fd00:10:244::/56",
};

/** Docker publishes no port 0 of a container. */
function checkPortMappings(nodes: unknown, reader: ConfigurationReader): void {
  for (const [index, node] of asList(nodes).entries()) {
    for (const [position, mapping] of asList(isRecord(node) ? node.extraPortMappings : undefined).entries()) {
      const path = ["nodes", index, "extraPortMappings", position];
      if (!isRecord(mapping) || mapping.containerPort !== undefined || reader.isWrong(path)) continue;
      reader.wrong(path, {
        reason: "has no containerPort",
        allowed: "a mapping with a port of the node",
        fix: "add it",
      });
    }
  }
}

/** A node without a role is a control plane: a second one is seldom meant, and a stray hyphen makes it. */
function warnAboutRoles(nodes: readonly KindConfiguration[], reader: ConfigurationReader): readonly string[] {
  if (nodes.filter((node) => node.role !== "worker").length < 2) return [];
  return nodes.flatMap((node, index) =>
    node.role === undefined
      ? [
          `${CONFIGURATION_INPUT}: ${reader.placeOf(["nodes", index])} has no role, so kind makes one control plane more of it. Write role: control-plane or role: worker, or take the hyphen away if its fields belong to the node above.`,
        ]
      : [],
  );
}

/** kind makes an empty path absolute as any other: it is where kind runs. */
function warnAboutMounts(nodes: readonly KindConfiguration[], reader: ConfigurationReader): readonly string[] {
  return nodes.flatMap((node, index) =>
    asList(node.extraMounts).flatMap((mount, position) =>
      isRecord(mount) && (mount.hostPath ?? "") === ""
        ? [
            `${CONFIGURATION_INPUT}: ${reader.placeOf(["nodes", index, "extraMounts", position])} has no hostPath, so kind mounts the working directory there. Write hostPath.`,
          ]
        : [],
    ),
  );
}
