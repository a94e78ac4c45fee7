import { basename, normalize } from "node:path";
import { strFromU8, strToU8, type Unzipped, unzipSync, zipSync } from "fflate";
import { type Document, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import { describeError, type Problem } from "../failure.ts";
import { CREDENTIALS_MOUNT } from "../inputs/torch.ts";
import type { Complaint } from "../inputs/values.ts";

/** A CSAR as it was read: checked, and not yet pointed at a cluster. */
export interface Csar {
  /** Lower-case DNS label: the template's name, and the namespace that TORCH makes. */
  readonly template: string;
  readonly files: Unzipped;
  /** The archive's entry definition. */
  readonly entry: string;
  /** Every node template of it. */
  readonly nodes: readonly string[];
  /** Those of them that are a cluster. */
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

/** What passes through TORCH's process variables is bounded; above this, deployments were seen to fail. */
export const MAX_CSAR_BYTES = 96 * 1024;
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;
const CLUSTER_TYPE = "torch.nodes.Location.Cluster";
const META = "TOSCA-Metadata/TOSCA.meta";
const ALLOWED =
  "a TOSCA archive (CSAR, zip) of at most 96 KiB with one torch.nodes.Location.Cluster in its entry template";

/** Reads a CSAR. @param path its path, whose file name is the template's name. */
export function readCsar(path: string, bytes: Uint8Array): { readonly csar: Csar } | { readonly problem: Problem } {
  const refuse = (reason: string, fix: string): { readonly problem: Problem } => ({
    problem: { input: "torch-csar", value: path, reason, allowed: ALLOWED, fix },
  });
  const template = basename(path).replace(/\.(?:zip|csar)$/i, "");
  if (
    !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(template) ||
    /^(?:default$|kube-|local-path-storage$)/.test(template)
  ) {
    return refuse(
      `has the name ${template}, which cannot be the namespace that TORCH-V2 makes for it`,
      "name the file with 1 to 63 lower-case letters, digits and hyphens; not default, kube-... or local-path-storage",
    );
  }
  if (bytes.length > MAX_CSAR_BYTES) {
    return refuse(`is too large: ${bytes.length} bytes`, "leave out of the archive what the template does not need");
  }
  let files: Unzipped;
  try {
    files = unpack(bytes);
  } catch (error) {
    return refuse(`is no zip archive that can be read: ${describeError(error)}`, "pack the archive anew with zip");
  }
  const found = findEntry(files);
  if ("complaint" in found) return refuse(found.complaint.reason, found.complaint.fix);
  const { entry } = found;
  const document = parseDocument(strFromU8(files[entry] ?? new Uint8Array()), { prettyErrors: false, merge: true });
  const [error] = document.errors;
  if (error !== undefined) return refuse(`has a ${entry} that is not YAML: ${error.message}`, "mend the YAML");
  let templates: unknown;
  try {
    // Bounds how often an alias may stand for what it names.
    templates = document.toJS({ maxAliasCount: 100 })?.topology_template?.node_templates;
  } catch (thrown) {
    return refuse(`has a ${entry} that cannot be expanded: ${describeError(thrown)}`, "write it with fewer aliases");
  }
  if (typeof templates !== "object" || templates === null || Object.keys(templates).length === 0) {
    return refuse(`has no topology_template.node_templates in ${entry}`, "give the template its nodes");
  }
  const nodes = Object.keys(templates);
  const empty = Object.entries(templates).find(([, node]) => typeof node !== "object" || node === null);
  if (empty !== undefined) return refuse(`has a node ${empty[0]} without a type in ${entry}`, "write the node's type");
  const clusters = Object.entries(templates).flatMap(([node, { type }]: [string, { readonly type?: unknown }]) =>
    type === CLUSTER_TYPE ? [node] : [],
  );
  if (clusters.length === 0) {
    return refuse(`has no node of type ${CLUSTER_TYPE} in ${entry}`, "add the Cluster node that the services are on");
  }
  return { csar: { template, files, entry, nodes, clusters } };
}

/** The Cluster node that is this run's: the only one, else the one that is named as the cluster is. */
export function chooseCluster({ clusters }: Csar, cluster: string): string | undefined {
  return clusters.length === 1 ? clusters[0] : clusters.find((name) => name === cluster);
}

/**
 * A copy of the archive whose Cluster node points at the run's cluster; the rest of it, comments included, stays.
 */
export function pointCsar({ files, entry }: Csar, node: string, access: ClusterAccess): Uint8Array {
  const document = parseDocument(strFromU8(files[entry] ?? new Uint8Array()), { merge: true });
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
  return zipSync({ ...files, [entry]: strToU8(document.toString({ lineWidth: 0 })) });
}

/** Puts what an alias stands for in its place: two nodes that share their properties are not to be changed together. */
function expandAliases(document: Document.Parsed): void {
  visit(document, {
    Alias: (_, alias) => {
      const copy = alias.resolve(document)?.clone();
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
  return unzipSync(bytes, {
    filter: ({ originalSize }) => {
      total += originalSize;
      if (total > MAX_UNPACKED_BYTES) throw new Error(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      return true;
    },
  });
}

/** The entry definition: as TOSCA.meta says, else the only YAML file at the root (TOSCA Simple Profile 1.3, section 6.2). */
function findEntry(
  files: Unzipped,
): { readonly entry: string } | { readonly complaint: Pick<Complaint, "reason" | "fix"> } {
  const meta = files[META];
  if (meta !== undefined) {
    const told = /^Entry-Definitions:[ \t]*(.+?)[ \t]*\r?$/m.exec(strFromU8(meta))?.[1];
    const name = told?.replace(/^(["'])(.*)\1$/, "$2").replaceAll("\\", "/");
    const entry = name === undefined ? undefined : normalize(name);
    if (entry !== undefined && files[entry] !== undefined) return { entry };
    const reason =
      entry === undefined ? `names no Entry-Definitions in ${META}` : `has no ${entry}, which ${META} names`;
    return { complaint: { reason, fix: "name the template's file in Entry-Definitions" } };
  }
  const [entry, ...others] = Object.keys(files).filter((name) => /^[^/]+\.ya?ml$/i.test(name));
  if (entry !== undefined && others.length === 0) return { entry };
  const reason = `has no ${META}, and ${entry === undefined ? "no YAML file" : "several YAML files"} at its root`;
  return { complaint: { reason, fix: `add ${META} with Entry-Definitions` } };
}
