import { basename } from "node:path";
import type { Unzipped } from "fflate";
import { describeError, type Problem } from "../../errors.ts";
import type { Issue } from "../../values/issue.ts";
import { isPrintable, printable } from "../../values/text.ts";
import { findEntry, isLfsPointer, unpack } from "./archive.ts";
import { CLUSTER_TYPE, FEDERATION_TYPE, isOfType, readTypes } from "./node-types.ts";
import { childOf, readYaml } from "./tosca-yaml.ts";

/** A template as it was read and checked; its Cluster node still points where its author wrote. */
export interface Csar {
  /** A TOSCA archive, or one file of TOSCA YAML. */
  readonly kind: "zip" | "yaml";
  /** Lower-case DNS label: the template's name, and the namespace that TORCH creates for it. */
  readonly template: string;
  readonly files: Unzipped;
  /** The archive's entry definition. */
  readonly entry: string;
  /** The names of all its node templates. */
  readonly nodes: readonly string[];
  /** Those of them that are a cluster: their type is TORCH-V2's, or derived from it. */
  readonly clusters: readonly string[];
  /** Those of them that are a federation of clusters. */
  readonly federations: readonly string[];
  /** Those of these that have no endpoint, not even by a type of their own. */
  readonly unaddressed: readonly string[];
}

/**
 * The dashboard passes a CSAR to its parser as one argument of a shell, in base64. Linux limits an argument to 128 KiB
 * (MAX_ARG_STRLEN, with the zero byte at its end). A plain YAML file is passed by its path.
 */
const MAX_ARGUMENT = 128 * 1024 - 1;
const PARSER_COMMAND = "exec python3 ./json4tosca-parser/tosca_parser.py --template-name= --template-file=";

/** A larger file is not read at all. */
export const MAX_CSAR_FILE_BYTES = 8 * 1024 * 1024;

/** How large a CSAR of this name may be when it is sent, in bytes. */
export function maxCsarBytes(template: string): number {
  return Math.floor((MAX_ARGUMENT - PARSER_COMMAND.length - template.length) / 4) * 3;
}

/** What is wrong with a template. */
type CsarIssue = Pick<Issue, "reason" | "fix">;

const ALLOWED = `a TOSCA archive (zip) or a file of TOSCA YAML with one ${CLUSTER_TYPE} in its entry template`;

/**
 * Reads a template.
 * @param path its path, whose file name is the template's name.
 * @param known node types that TORCH-V2 itself defines, with the type that each is derived from.
 */
export function readCsar(
  path: string,
  bytes: Uint8Array,
  known: ReadonlyMap<string, string> = new Map(),
): { readonly csar: Csar } | { readonly problem: Problem } {
  const read = readTemplate(path, bytes, known);
  if ("csar" in read) return read;
  return { problem: { input: "torch-csar", value: path, ...read.issue, allowed: ALLOWED } };
}

function readTemplate(
  path: string,
  bytes: Uint8Array,
  known: ReadonlyMap<string, string>,
): { readonly csar: Csar } | { readonly issue: CsarIssue } {
  const template = basename(path).replace(/\.(zip|csar|ya?ml)$/i, "");
  const issue = checkTemplateName(template);
  if (issue !== undefined) return { issue };
  if (isLfsPointer(bytes)) return refuse("is a Git LFS pointer, not the file", "check out with lfs: true");

  const kind = /\.ya?ml$/i.test(path) ? "yaml" : "zip";
  const read = kind === "yaml" ? readPlainFile(path, bytes) : readArchive(bytes);
  if ("issue" in read) return read;
  const found = findNodes(read.files, read.entry, known);
  return "issue" in found ? found : { csar: { kind, template, ...read, ...found } };
}

function refuse(reason: string, fix: string): { readonly issue: CsarIssue } {
  return { issue: { reason, fix } };
}

function checkTemplateName(template: string): CsarIssue | undefined {
  const isLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(template);
  const isReserved = /^(?:default$|kube-|local-path-storage$)/.test(template);
  if (isLabel && !isReserved) return undefined;
  return {
    reason: `has the name "${template}", which cannot be the namespace that TORCH-V2 creates for it`,
    fix: "rename the file to 1 to 63 lower-case letters, digits and hyphens; not default, kube-... or local-path-storage",
  };
}

type Entry = Pick<Csar, "files" | "entry">;

function readPlainFile(path: string, bytes: Uint8Array): Entry | { readonly issue: CsarIssue } {
  return checkEntryName({ files: { [basename(path)]: Uint8Array.from(bytes) }, entry: basename(path) });
}

function readArchive(bytes: Uint8Array): Entry | { readonly issue: CsarIssue } {
  let files: Unzipped;
  try {
    files = unpack(bytes);
  } catch (error) {
    return refuse(`is not a zip archive that can be read: ${describeError(error)}`, "pack the archive again with zip");
  }
  const found = findEntry(files);
  return "issue" in found ? found : checkEntryName({ files, ...found });
}

function checkEntryName(read: Entry): Entry | { readonly issue: CsarIssue } {
  if (isPrintable(read.entry)) return read;
  return refuse(`has an entry "${printable(read.entry)}", which is not a name`, "rename that file");
}

/** TORCH-V2 makes a namespace's name from a node's name, and messages show it. */
const MAX_NAME_CHARACTERS = 253;

/** The nodes of a template, and which of them are clusters. */
function findNodes(
  files: Unzipped,
  entry: string,
  known: ReadonlyMap<string, string>,
): Pick<Csar, "nodes" | "clusters" | "federations" | "unaddressed"> | { readonly issue: CsarIssue } {
  const read = readYaml(files[entry] ?? new Uint8Array());
  if ("error" in read) return refuse(`has the file ${entry}, which ${read.error}`, "fix the YAML there");
  const templates = childOf(childOf(read.value, "topology_template"), "node_templates");
  const issue = checkNodes(templates, entry);
  if (issue !== undefined) return { issue };

  const nodes = Object.keys(templates);
  const types = new Map([...known, ...readTypes(files, new Map([[entry, read]]))]);
  const ofType = (type: string) => nodes.filter((node) => isOfType(String(childOf(templates, node).type), type, types));
  const [clusters, federations] = [ofType(CLUSTER_TYPE), ofType(FEDERATION_TYPE)];
  const isUnaddressed = (node: string) =>
    childOf(templates, node).type === CLUSTER_TYPE &&
    (childOf(childOf(templates, node), "properties")["api-endpoint"] ?? "") === "";
  if (clusters.length > 0) return { nodes, clusters, federations, unaddressed: clusters.filter(isUnaddressed) };
  return refuse(
    `does not have a node of type ${CLUSTER_TYPE}, or of a type derived from it, in ${entry}`,
    "add the Cluster node on which the services run",
  );
}

function checkNodes(templates: Readonly<Record<string, unknown>>, entry: string): CsarIssue | undefined {
  const nodes = Object.keys(templates);
  const unprintable = nodes.find((node) => !isPrintable(node) || node.length > MAX_NAME_CHARACTERS);
  if (unprintable !== undefined) {
    return {
      reason: `has a node "${printable(unprintable)}" in ${entry}, which is not a name`,
      fix: `name it with at most ${MAX_NAME_CHARACTERS} characters, without line breaks and control characters`,
    };
  }
  if (nodes.length === 0) {
    return {
      reason: `has no topology_template.node_templates in ${entry}`,
      fix: "write the template's nodes there",
    };
  }
  const untyped = nodes.find((node) => typeof childOf(templates, node).type !== "string");
  if (untyped === undefined) return undefined;
  return { reason: `has the node "${untyped}" without a type in ${entry}`, fix: "write the node's type" };
}
