import { glob } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { describeError, errorCode, type Problem } from "../../errors.ts";
import { readBounded, realPathInside, SizeError } from "../../values/files.ts";
import type { Parsed } from "../../values/issue.ts";
import { printable } from "../../values/text.ts";
import { YAML_LIMITS } from "../../values/yaml-limits.ts";
import { type Csar, MAX_CSAR_FILE_BYTES, maxCsarBytes, readCsar } from "../template/csar.ts";
import { readTypes } from "../template/node-types.ts";
import { type ClusterAccess, chooseCluster, pointCsar } from "../template/point-at-cluster.ts";

/** A template that can be deployed. */
export interface Template {
  readonly csar: Csar;
  /** Its node that is the run's cluster. */
  readonly node: string;
}

/** What a template is read for. */
interface TemplateRequest {
  readonly workspace: string;
  readonly cluster: string;
  readonly access: ClusterAccess;
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
    const chosen = chooseNode(read.csar, request);
    return "node" in chosen ? { csar: read.csar, node: chosen.node } : refuse(chosen.reason, chosen.fix);
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

/** The template's node that is the run's cluster, if the template can be sent with it. */
function chooseNode(
  csar: Csar,
  { cluster, access }: TemplateRequest,
): { readonly node: string } | { readonly reason: string; readonly fix: string } {
  const node = chooseCluster(csar, cluster);
  if (node !== undefined) return tryPointing(csar, node, access) ?? { node };
  const { clusters, entry } = csar;
  return {
    reason: `has several Cluster nodes in ${printable(entry)} (${clusters.join(", ")}), and none has the name of this cluster, ${cluster}`,
    fix: `set cluster-name to the one that this cluster stands for: ${clusters.join(" or ")}`,
  };
}

/** Why the template could not be sent later, when everything else is there. */
function tryPointing(csar: Csar, node: string, access: ClusterAccess) {
  let size: number;
  try {
    size = pointCsar(csar, node, access).bytes.length;
  } catch (error) {
    return {
      reason: `has a Cluster node ${node} whose properties cannot be set: ${describeError(error)}`,
      fix: "give the node its properties as a plain map, as in TORCH-V2's examples",
    };
  }
  const limit = maxCsarBytes(csar.template);
  if (csar.kind === "yaml" || size <= limit) return undefined;
  return {
    reason: `is too large for the dashboard: ${size} bytes with this cluster's endpoint, of at most ${limit}`,
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
