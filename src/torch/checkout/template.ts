import { glob } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { describeError, errorCode, type Problem } from "../../errors.ts";
import { readBounded, realPathInside, SizeError } from "../../values/files.ts";
import type { Parsed } from "../../values/issue.ts";
import { printable } from "../../values/text.ts";
import { YAML_LIMITS } from "../../values/yaml-limits.ts";
import { type Csar, MAX_CSAR_FILE_BYTES, maxCsarBytes, readCsar } from "../template/csar.ts";
import { readTypes } from "../template/node-types.ts";
import { type ClusterAccess, type PlacedNode, placeNodes, pointCsar } from "../template/point-at-cluster.ts";

/** A template that can be deployed. */
export interface Template {
  readonly csar: Csar;
  /** Its Cluster nodes that stand for the boot's clusters. */
  readonly placed: readonly PlacedNode[];
  /** What is not wrong, but is worth a line in the log. */
  readonly warnings: readonly string[];
}

/** What a template is read for. */
interface TemplateRequest {
  readonly workspace: string;
  /** By the clusters' names, the step's own first. */
  readonly access: ReadonlyMap<string, ClusterAccess>;
}

const ALLOWED = "a CSAR (zip) or a file of TOSCA YAML in the workspace or in TORCH-V2's checkout";

/** Reads the template: from the workspace, or from the checkout, which may be elsewhere. */
export async function readTemplate(
  path: string,
  root: string,
  request: TemplateRequest,
): Promise<Template | { readonly problem: Problem }> {
  const { workspace } = request;
  const places = [...new Set([resolve(workspace, path), ...(isAbsolute(path) ? [] : [resolve(root, path)])])];
  const refuse = (reason: string, fix: string) => ({
    problem: { input: "torch-csar", value: path, reason, allowed: ALLOWED, fix },
  });
  for (const place of places) {
    const file = await readTemplateFile(place, [workspace, root]);
    if (file === undefined) continue;
    if ("issue" in file) return refuse(file.issue.reason, file.issue.fix);
    const own = readCsar(place, file.value);
    // A node's type may be one that TORCH-V2 itself defines.
    const read = "problem" in own ? readCsar(place, file.value, await readOwnTypes(root)) : own;
    if ("problem" in read) return read;
    const { csar } = read;
    const chosen = chooseNodes(csar, request);
    return "reason" in chosen
      ? refuse(chosen.reason, chosen.fix)
      : {
          csar,
          placed: chosen.placed,
          warnings: warnAboutNodes(path, csar, chosen.placed, [...request.access.keys()]),
        };
  }
  return refuse(`does not exist: looked for ${places.join(" and ")}`, "check the path, and torch-ref");
}

/** Reads a template's file; `undefined` if it does not exist. */
async function readTemplateFile(place: string, roots: readonly string[]): Promise<Parsed<Buffer> | undefined> {
  const refuse = (reason: string, fix: string) => ({ issue: { reason, allowed: ALLOWED, fix } });
  try {
    if ((await realPathInside(place, roots)) === undefined) {
      return refuse("is a link that leads out of the workspace", "copy the file into the workspace");
    }
    return { value: await readBounded(place, MAX_CSAR_FILE_BYTES) };
  } catch (error) {
    if (error instanceof SizeError) {
      return refuse(
        `is larger than ${error.maxBytes} bytes`,
        "remove what the template does not need from the archive",
      );
    }
    if (errorCode(error) === "ENOENT") return undefined;
    return refuse(`cannot be read: ${describeError(error)}`, "check the path and its permissions");
  }
}

/** Why a template cannot be deployed. */
interface Refusal {
  readonly reason: string;
  readonly fix: string;
}

/** The template's nodes that stand for the boot's clusters, if the template can be sent with them. */
function chooseNodes(
  csar: Csar,
  { access }: Pick<TemplateRequest, "access">,
): { readonly placed: readonly PlacedNode[] } | Refusal {
  const names = [...access.keys()];
  const placed = placeNodes(csar, names);
  if (placed.length === 0) return refuseNames(csar, names);
  const lost = csar.unaddressed.filter((node) => !placed.some((each) => each.node === node));
  if (lost.length > 0) {
    return {
      reason: `has Cluster nodes in ${printable(csar.entry)} without an api-endpoint, and none of the boot's clusters has their name: ${lost.join(", ")}`,
      fix: "make those clusters in earlier steps and name their credentials directories in torch-clusters, or write their endpoints into the template",
    };
  }
  return tryPointing(csar, placed, access) ?? { placed };
}

function refuseNames({ clusters, entry }: Csar, names: readonly string[]): Refusal {
  const [own, ...others] = names;
  if (others.length === 0) {
    return {
      reason: `has several Cluster nodes in ${printable(entry)} (${clusters.join(", ")}), and none has the name of this cluster, ${own}`,
      fix: `set cluster-name to the one that this cluster stands for: ${clusters.join(" or ")}`,
    };
  }
  return {
    reason: `has no Cluster node in ${printable(entry)} with the name of one of the clusters ${names.join(", ")}: its Cluster nodes are ${clusters.join(", ")}`,
    fix: "set cluster-name, in this step and in those of torch-clusters, to the names of the template's Cluster nodes",
  };
}

/** Cluster nodes that stand for none of the boot's clusters, and clusters that no node stands for. */
function warnAboutNodes(
  path: string,
  { clusters }: Csar,
  placed: readonly PlacedNode[],
  names: readonly string[],
): readonly string[] {
  const left = clusters.filter((node) => !placed.some((each) => each.node === node));
  const unused = names.filter((name) => !placed.some(({ cluster }) => cluster === name));
  return [
    ...left.map(
      (node) =>
        `torch-csar: the Cluster node ${node} of ${printable(path)} stays as it is, because none of the boot's clusters has its name. Fix: name the credentials directory of that cluster in torch-clusters, unless it is one outside this job.`,
    ),
    ...unused.map(
      (name) =>
        `torch-csar: ${printable(path)} does not have a Cluster node for the cluster ${name}. Fix: name a Cluster node ${name}, or leave that cluster out.`,
    ),
  ];
}

/** Why the template could not be sent later, when everything else is there. */
function tryPointing(
  csar: Csar,
  placed: readonly PlacedNode[],
  access: ReadonlyMap<string, ClusterAccess>,
): Refusal | undefined {
  let size: number;
  try {
    size = pointCsar(csar, placed, access).bytes.length;
  } catch (error) {
    return {
      reason: `has a Cluster node whose properties cannot be set (${placed.map(({ node }) => node).join(", ")}): ${describeError(error)}`,
      fix: "give the node its properties as a plain map, as in TORCH-V2's examples",
    };
  }
  const limit = maxCsarBytes(csar.template);
  if (csar.kind === "yaml" || size <= limit) return undefined;
  return {
    reason: `is too large for the dashboard: ${size} bytes with the clusters' endpoints, of at most ${limit}`,
    fix: "remove what the template does not need from the archive, or use one file of TOSCA YAML, which has no such limit",
  };
}

const MAX_TYPE_FILES = 300;

/** The node types that a checkout's dashboard defines for its parser. */
async function readOwnTypes(root: string): Promise<ReadonlyMap<string, string>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  const exclude = (name: string) => /(?:^|\/)(?:node_modules|vendor|tests?|\.git)$/.test(name);
  for await (const path of glob("dashboard/**/*.{yaml,yml}", { cwd: root, exclude })) {
    const bytes = await readWithin(root, path);
    if (bytes.includes("torch.nodes.")) files[path] = Uint8Array.from(bytes);
    if (Object.keys(files).length === MAX_TYPE_FILES) break;
  }
  return readTypes(files);
}

/** A file that leads out of the checkout, or is too large, is empty here. */
async function readWithin(root: string, path: string): Promise<Buffer> {
  const place = join(root, path);
  const real = await realPathInside(place, [root]).catch(() => undefined);
  if (real === undefined) return Buffer.alloc(0);
  return await readBounded(place, YAML_LIMITS.bytes).catch(() => Buffer.alloc(0));
}
