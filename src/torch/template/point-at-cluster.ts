import { strFromU8, strToU8, zipSync } from "fflate";
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
import { CREDENTIALS_MOUNT } from "../../inputs/torch.ts";
import type { Csar } from "./csar.ts";

/** What a Cluster node says of its cluster. */
export interface ClusterAccess {
  readonly endpoint: string;
  /** File names in the connector's folder. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** The folder in its container from which the connector reads the files. */
  readonly folder: string;
}

/** A Cluster node of a template, and the cluster that it stands for. */
export interface PlacedNode {
  readonly node: string;
  readonly cluster: string;
}

/**
 * The Cluster nodes that stand for the boot's clusters: those with their names. Where both are only one, the node stands
 * for the cluster whatever its name is.
 */
export function placeNodes({ clusters: nodes }: Pick<Csar, "clusters">, clusters: readonly string[]) {
  const [node, ...others] = nodes;
  const [cluster, ...further] = clusters;
  if (node !== undefined && cluster !== undefined && others.length === 0 && further.length === 0) {
    return [{ node, cluster }];
  }
  return nodes.flatMap((name): readonly PlacedNode[] =>
    clusters.includes(name) ? [{ node: name, cluster: name }] : [],
  );
}

/** Merge keys as the dashboard's parser reads them; looking for equal keys, of which it takes the last, is quadratic. */
const YAML_OPTIONS = { merge: true, uniqueKeys: false } as const;

/**
 * A copy of the template in which Cluster nodes point to the boot's clusters. All else, comments included, stays. The
 * dashboard distinguishes an archive from YAML by the extension of the file's name.
 */
export function pointCsar(
  { kind, template, files, entry }: Csar,
  placed: readonly PlacedNode[],
  access: ReadonlyMap<string, ClusterAccess>,
): { readonly fileName: string; readonly bytes: Uint8Array } {
  const document = parseDocument(strFromU8(files[entry] ?? new Uint8Array()), YAML_OPTIONS);
  expandAliases(document);
  for (const { node, cluster } of placed) {
    const own = access.get(cluster);
    if (own !== undefined) pointNode(document, node, own);
  }
  const pointed = strToU8(document.toString({ lineWidth: 0 }));
  return kind === "yaml"
    ? { fileName: `${template}.yaml`, bytes: pointed }
    : { fileName: `${template}.zip`, bytes: zipSync({ ...files, [entry]: pointed }, { level: 9 }) };
}

function pointNode(document: Document.Parsed, node: string, access: ClusterAccess): void {
  const at = ["topology_template", "node_templates", node, "properties"];
  // The node may have no properties yet.
  if (!isMap(document.getIn(at))) document.setIn(at, document.createNode({}));
  document.setIn([...at, "api-endpoint"], access.endpoint);
  const ca = document.getIn([...at, "ca"]);
  if (isMap(ca)) ca.set("crt", access.ca);
  else document.setIn([...at, "ca"], document.createNode({ crt: access.ca }));
  document.setIn([...at, "user_crt"], access.certificate);
  document.setIn([...at, "private_key"], access.privateKey);
  // Without a path the connector looks in its own folder.
  if (document.hasIn([...at, "path"]) || access.folder !== CREDENTIALS_MOUNT) {
    document.setIn([...at, "path"], `${access.folder}/`);
  }
}

/** Replaces each alias by a copy of what it stands for: a change of one node must not change another one. */
function expandAliases(document: Document.Parsed): void {
  // `Alias.resolve` walks through the whole document each time.
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
