import type { Problem } from "../../errors.ts";
import { asList, isRecord } from "../../values/data.ts";
import type { Issue } from "../../values/issue.ts";
import { readYamlText } from "../../values/yaml.ts";
import { describeYamlIssue, type YamlIssue } from "../../values/yaml-issue.ts";
import { YAML_LIMITS } from "../../values/yaml-limits.ts";
import { checkHeader, checkPortMappings, checkSubnets } from "./checks.ts";
import { CLUSTER } from "./fields.ts";
import { checkMounts, findHostPaths, type HostPath, warnAboutMounts } from "./mounts.ts";
import { checkContainerdPatches, checkPatches } from "./patches.ts";
import type { Path } from "./places.ts";
import { CONFIGURATION_INPUT, ConfigurationReader } from "./reader.ts";
import { warnAboutRoles } from "./roles.ts";

/** The user's kind configuration, read and checked, with what the rest of the plan needs of it. */
export interface UserConfiguration {
  /** What to call it in messages: a path, or "inline". */
  readonly source: string;
  /** What kind reads in the text, each value with its field's type. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly name: string | undefined;
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
  readonly networking: Readonly<Record<string, unknown>>;
  readonly apiServerAddress: string | undefined;
  /** Paths on the host that are to be mounted; whether they exist is not checked yet. */
  readonly hostPaths: readonly HostPath[];
  /** What is valid but probably not intended. */
  readonly warnings: readonly string[];
  /** A field's name with its line and column. */
  readonly placeOf: (path: Path) => string;
  /** The line and column alone, for a sentence that names the field already. */
  readonly positionOf: (path: Path) => string | undefined;
  /** An issue of a field, as a problem. */
  readonly problemAt: (path: Path, issue: Issue) => Problem;
}

const ALLOWED = "one kind configuration (kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4)";
const MAX_BYTES = 100_000;

/** Further errors of the YAML parser mostly follow from these. */
const MAX_YAML_ISSUES = 10;

/**
 * Reads and checks the user's kind configuration.
 * @param source what to call it in messages: a path, or "inline".
 */
export function parseKindConfiguration(
  text: string,
  source: string,
): { readonly configuration: UserConfiguration } | { readonly problems: readonly Problem[] } {
  const yaml = readYamlText(text, { uniqueKeys: true, maxBytes: MAX_BYTES, asWritten: true });
  if ("issues" in yaml) {
    return { problems: yaml.issues.slice(0, MAX_YAML_ISSUES).map((issue) => describeUnreadable(issue, source)) };
  }
  const reader = new ConfigurationReader(yaml, source);
  if (!isRecord(yaml.value)) {
    reader.addProblem([], { reason: "is not a mapping", allowed: ALLOWED, fix: "start with kind: Cluster" });
    return { problems: reader.problems };
  }
  const document = reader.read(CLUSTER);
  if (!isRecord(document)) return { problems: reader.problems };
  checkDocument(document, reader);
  if (reader.problems.length > 0) return { problems: reader.problems };
  return { configuration: describeConfiguration(document, source, reader) };
}

const YAML_FIXES: Readonly<Record<YamlIssue["kind"], string>> = {
  syntax: "fix the YAML there",
  limit: "make the configuration smaller or simpler",
  expansion: `use at most ${YAML_LIMITS.expansions} aliases of an anchor, each after its anchor and outside it`,
  alias: "write the anchor before it, or put a string that begins with * in quotes",
  characters: "remove it, or write it as an escape in double quotes",
  space: "put a space after it",
  property: "remove it, or give it another name",
  key: "write a string of at most 1,000 characters as the key",
  documents: "put each document into a separate file: kind reads the first and ignores the others",
};

function describeUnreadable(issue: YamlIssue, source: string): Problem {
  return {
    input: CONFIGURATION_INPUT,
    value: source,
    reason: describeYamlIssue(issue),
    allowed: ALLOWED,
    fix: YAML_FIXES[issue.kind],
  };
}

/** The rules that go beyond a field's own value. */
function checkDocument(document: Readonly<Record<string, unknown>>, reader: ConfigurationReader): void {
  checkHeader(document, reader);
  checkSubnets(networkingOf(document), reader);
  checkMounts(document.nodes, reader);
  checkPortMappings(document.nodes, reader);
  checkPatches(document, [], reader);
  checkContainerdPatches(document, reader);
  for (const [index, node] of asList(document.nodes).entries()) checkPatches(node, ["nodes", index], reader);
}

/** What the plan needs of a configuration without problems. */
function describeConfiguration(
  document: Readonly<Record<string, unknown>>,
  source: string,
  reader: ConfigurationReader,
): UserConfiguration {
  const { places } = reader;
  const networking = networkingOf(document);
  const nodes = asList(document.nodes).filter(isRecord);
  return {
    source,
    document,
    name: asText(document.name),
    nodes,
    networking,
    apiServerAddress: asText(networking.apiServerAddress),
    hostPaths: findHostPaths(nodes),
    warnings: [...warnAboutRoles(nodes, places), ...warnAboutMounts(nodes, places)],
    placeOf: (path) => places.placeOf(path),
    positionOf: (path) => places.positionOf(path),
    problemAt: (path, issue) => reader.problemAt(path, issue),
  };
}

function networkingOf({ networking }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return isRecord(networking) ? networking : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
