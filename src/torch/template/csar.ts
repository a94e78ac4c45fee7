import { basename, normalize } from "node:path";
import { strFromU8, strToU8, type Unzipped, unzipSync, zipSync } from "fflate";
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { describeError, type Problem } from "../../errors.ts";
import { CREDENTIALS_MOUNT } from "../../inputs/torch.ts";
import type { Issue } from "../../values/issue.ts";
import { isPrintable, printable } from "../../values/text.ts";
import { describeYamlIssue, readYamlText, YAML_LIMITS } from "../../values/yaml.ts";

/** A template as it was read: checked, and not yet pointed at a cluster. */
export interface Csar {
  /** A TOSCA archive, or one file of TOSCA YAML. */
  readonly kind: "zip" | "yaml";
  /** Lower-case DNS label: the template's name, and the namespace that TORCH makes. */
  readonly template: string;
  readonly files: Unzipped;
  /** The archive's entry definition. */
  readonly entry: string;
  /** Every node template of it. */
  readonly nodes: readonly string[];
  /** Those of them that are a cluster, by their type or one that it is derived from. */
  readonly clusters: readonly string[];
}

/** Where a Cluster node is to point. */
export interface ClusterAccess {
  readonly endpoint: string;
  /** File names in the connector's folder. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** The folder in its container that the connector reads the files from. */
  readonly folder: string;
}

/**
 * The dashboard hands a CSAR to its parser as one argument of a shell, in base64, and Linux takes at most 128 KiB for one
 * (MAX_ARG_STRLEN, its end included). A plain YAML file is handed over by its path.
 */
const MAX_ARGUMENT = 128 * 1024 - 1;
const PARSER_COMMAND = "exec python3 ./json4tosca-parser/tosca_parser.py --template-name= --template-file=";

/** Of a file that is read at all, packed; and of what comes out of an archive. */
export const MAX_CSAR_FILE_BYTES = 8 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;
const MAX_ENTRIES = 10_000;

/** Of all files of YAML in an archive that are read for the types that they define. */
const MAX_TYPES_BYTES = 2 * 1024 * 1024;

/** Of a node's name: TORCH-V2 makes a namespace of it, and messages show it. */
const MAX_NAME_CHARACTERS = 253;
const ALLOWED =
  "a TOSCA archive (zip) or a file of TOSCA YAML with one torch.nodes.Location.Cluster in its entry template";
const CLUSTER_TYPE = "torch.nodes.Location.Cluster";
const META = "TOSCA-Metadata/TOSCA.meta";
const EXTENSION = /\.(zip|csar|ya?ml)$/i;

/** The first words of what Git LFS leaves in a file's place where it does not fetch it. */
const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** How large a CSAR of this name may be when it is sent, in bytes. */
export function maxCsarBytes(template: string): number {
  return Math.floor((MAX_ARGUMENT - PARSER_COMMAND.length - template.length) / 4) * 3;
}

/** Whether a file is what Git LFS leaves in a checkout that does not fetch its files (actions/checkout's default). */
export function isLfsPointer(bytes: Uint8Array): boolean {
  return bytes.length < 1024 && strFromU8(bytes).startsWith(LFS_POINTER);
}

/**
 * Reads a template.
 * @param path its path, whose file name is the template's name.
 * @param known node types that TORCH-V2 itself defines, with what each is derived from.
 */
export function readCsar(
  path: string,
  bytes: Uint8Array,
  known: ReadonlyMap<string, string> = new Map(),
): { readonly csar: Csar } | { readonly problem: Problem } {
  const refuse = (reason: string, fix: string): { readonly problem: Problem } => ({
    problem: { input: "torch-csar", value: path, reason, allowed: ALLOWED, fix },
  });
  const kind = /\.ya?ml$/i.test(path) ? "yaml" : "zip";
  const template = basename(path).replace(EXTENSION, "");
  if (
    !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(template) ||
    /^(?:default$|kube-|local-path-storage$)/.test(template)
  ) {
    return refuse(
      `has the name ${template}, which cannot be the namespace that TORCH-V2 makes for it`,
      "name the file with 1 to 63 lower-case letters, digits and hyphens; not default, kube-... or local-path-storage",
    );
  }
  if (isLfsPointer(bytes)) return refuse("is a pointer of Git LFS, not the file", "check out with lfs: true");
  let files: Unzipped;
  try {
    files = kind === "yaml" ? { [basename(path)]: Uint8Array.from(bytes) } : unpack(bytes);
  } catch (error) {
    return refuse(`is not a zip archive that can be read: ${describeError(error)}`, "pack the archive again with zip");
  }
  const found = kind === "yaml" ? { entry: basename(path) } : findEntry(files);
  if ("issue" in found) return refuse(found.issue.reason, found.issue.fix);
  const { entry } = found;
  if (!isPrintable(entry)) return refuse(`has an entry "${printable(entry)}", which is not a name`, "rename that file");
  const read = readYaml(files[entry] ?? new Uint8Array());
  if ("error" in read) return refuse(`has a ${entry} that ${read.error}`, "fix the YAML there");
  const templates = childOf(childOf(read.value, "topology_template"), "node_templates");
  const nodes = Object.keys(templates);
  const unprintable = nodes.find((node) => !isPrintable(node) || node.length > MAX_NAME_CHARACTERS);
  if (unprintable !== undefined) {
    return refuse(
      `has a node "${printable(unprintable)}" in ${entry}, which is not a name`,
      `name it with at most ${MAX_NAME_CHARACTERS} characters, without line breaks and control characters`,
    );
  }
  if (nodes.length === 0) {
    return refuse(`has no topology_template.node_templates in ${entry}`, "give the template its nodes");
  }
  const untyped = nodes.find((node) => typeof childOf(templates, node).type !== "string");
  if (untyped !== undefined) return refuse(`has a node ${untyped} without a type in ${entry}`, "write the node's type");
  const types = new Map([...known, ...readTypes(files, new Map([[entry, read]]))]);
  const clusters = nodes.filter((node) => isClusterType(String(childOf(templates, node).type), types));
  if (clusters.length === 0) {
    return refuse(
      `has no node of type ${CLUSTER_TYPE}, or of one derived from it, in ${entry}`,
      "add the Cluster node that the services are on",
    );
  }
  return { csar: { kind, template, files, entry, nodes, clusters } };
}

/** The node types that the files of a template define, with what each is derived from. */
export function readTypes(files: Unzipped, known: ReadonlyMap<string, Yaml> = new Map()): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  let total = 0;
  for (const [name, bytes] of Object.entries(files)) {
    if (!/\.ya?ml$/i.test(name)) continue;
    // What is not read defines no type: a node of such a type is not taken for a cluster.
    if (bytes.length <= YAML_LIMITS.bytes) total += bytes.length;
    if (total > MAX_TYPES_BYTES) break;
    const read = known.get(name) ?? readYaml(bytes);
    if ("error" in read) continue;
    const defined = childOf(read.value, "node_types");
    for (const type of Object.keys(defined)) types.set(type, String(childOf(defined, type).derived_from ?? ""));
  }
  return types;
}

function isClusterType(type: string, types: ReadonlyMap<string, string>): boolean {
  const seen = new Set<string>();
  for (let next = type; next !== "" && !seen.has(next); next = types.get(next) ?? "") {
    if (next === CLUSTER_TYPE) return true;
    seen.add(next);
  }
  return false;
}

type Mapping = Readonly<Record<string, unknown>>;

/** A mapping in a mapping; an empty one where there is none. */
function childOf(value: unknown, key: string): Mapping {
  const child: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof child === "object" && child !== null && !Array.isArray(child) ? { ...child } : {};
}

type Yaml = { readonly value: unknown } | { readonly error: string };

/** Looking for equal keys takes quadratic time; the dashboard's parser takes the last of them, and so does this. */
const YAML_OPTIONS = { merge: true, uniqueKeys: false } as const;

/** Reads a file of YAML, bounded in its size, depth and words, in its keys, and in what its aliases make of it. */
function readYaml(bytes: Uint8Array): Yaml {
  if (bytes.length > YAML_LIMITS.bytes) return { error: `is larger than ${YAML_LIMITS.bytes} bytes` };
  const read = readYamlText(strFromU8(bytes), { uniqueKeys: false });
  if ("issues" in read) {
    const [issue] = read.issues;
    return { error: issue === undefined ? "is not YAML" : describeYamlIssue(issue) };
  }
  let nested = false;
  visit(read.document, {
    Pair: (_, { key }) => {
      if (!isMap(key) && !isSeq(key)) return undefined;
      nested = true;
      return visit.BREAK;
    },
  });
  return nested ? { error: "has a mapping or a list as a key" } : { value: read.value };
}

/** The Cluster node that is this run's: the only one, else the one that is named as the cluster is. */
export function chooseCluster({ clusters }: Csar, cluster: string): string | undefined {
  return clusters.length === 1 ? clusters[0] : clusters.find((name) => name === cluster);
}

/**
 * A copy of the template whose Cluster node points at the run's cluster; the rest of it, comments included, stays. The
 * dashboard tells an archive from YAML by the file name's extension.
 */
export function pointCsar(
  { kind, template, files, entry }: Csar,
  node: string,
  access: ClusterAccess,
): { readonly fileName: string; readonly bytes: Uint8Array } {
  const document = parseDocument(strFromU8(files[entry] ?? new Uint8Array()), YAML_OPTIONS);
  expandAliases(document);
  const at = ["topology_template", "node_templates", node, "properties"];
  // A node whose properties are still to be written.
  if (!isMap(document.getIn(at))) document.setIn(at, document.createNode({}));
  document.setIn([...at, "api-endpoint"], access.endpoint);
  const ca = document.getIn([...at, "ca"]);
  if (isMap(ca)) ca.set("crt", access.ca);
  else document.setIn([...at, "ca"], document.createNode({ crt: access.ca }));
  document.setIn([...at, "user_crt"], access.certificate);
  document.setIn([...at, "private_key"], access.privateKey);
  // A node without a path has the connector look in its own folder.
  if (document.hasIn([...at, "path"]) || access.folder !== CREDENTIALS_MOUNT) {
    document.setIn([...at, "path"], `${access.folder}/`);
  }
  const pointed = strToU8(document.toString({ lineWidth: 0 }));
  return kind === "yaml"
    ? { fileName: `${template}.yaml`, bytes: pointed }
    : { fileName: `${template}.zip`, bytes: zipSync({ ...files, [entry]: pointed }, { level: 9 }) };
}

/** Puts what an alias stands for in its place: two nodes that share their properties are not to be changed together. */
function expandAliases(document: Document.Parsed): void {
  // Looking for an alias's anchor takes the parser a walk through the document each.
  const anchors = new Map<string, YAMLMap | YAMLSeq | Scalar>();
  visit(document, {
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias: (_, { source }) => {
      const copy = anchors.get(source)?.clone();
      return isMap(copy) || isSeq(copy) || isScalar(copy) ? copy : undefined;
    },
  });
  visit(document, {
    Node: (_, node) => {
      if ("anchor" in node) delete node.anchor;
    },
  });
}

function unpack(bytes: Uint8Array): Unzipped {
  let total = 0;
  let entries = 0;
  return unzipSync(bytes, {
    filter: ({ originalSize }) => {
      total += originalSize;
      entries += 1;
      if (entries > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
      if (total > MAX_UNPACKED_BYTES) throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      return true;
    },
  });
}

/** The entry definition: as TOSCA.meta says, else the only YAML file at the root (TOSCA Simple Profile 1.3, section 6.2). */
function findEntry(files: Unzipped): { readonly entry: string } | { readonly issue: Pick<Issue, "reason" | "fix"> } {
  const meta = files[META];
  if (meta !== undefined) {
    const told = /^Entry-Definitions:[ \t]*(.+?)[ \t]*\r?$/m.exec(strFromU8(meta))?.[1];
    const name = told?.replace(/^(["'])(.*)\1$/, "$2").replaceAll("\\", "/");
    const entry = name === undefined ? undefined : normalize(name);
    if (entry !== undefined && Object.hasOwn(files, entry)) return { entry };
    const reason =
      entry === undefined ? `names no Entry-Definitions in ${META}` : `has no ${printable(entry)}, which ${META} names`;
    return { issue: { reason, fix: "name the template's file in Entry-Definitions" } };
  }
  const [entry, ...others] = Object.keys(files).filter((name) => /^[^/]+\.ya?ml$/i.test(name));
  if (entry !== undefined && others.length === 0) return { entry };
  const reason = `has no ${META}, and ${entry === undefined ? "no YAML file" : "several YAML files"} at its root`;
  return { issue: { reason, fix: `add ${META} with Entry-Definitions` } };
}
