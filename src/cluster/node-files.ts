import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { copyToContainer } from "../docker/container-files.ts";
import { execInContainer } from "../docker/containers.ts";
import { enginePath } from "../docker/engine-paths.ts";
import type { EngineSite } from "../docker/site.ts";
import type { Exec } from "../exec.ts";

/** A file or a folder of this step that every node gets. */
export interface NodeFile {
  readonly path: string;
  /** Where it is in a node. */
  readonly target: string;
}

/** A read-only mount of a node, as kind's configuration has it. */
export interface NodeMount {
  /** On the engine's machine. */
  readonly hostPath: string;
  readonly containerPath: string;
}

/** How nodes get files: as mounts where the engine's machine has them, and as copies where it does not. */
export interface NodeFilesPlan {
  readonly mounts: readonly NodeMount[];
  readonly copies: readonly NodeFile[];
}

/** Plans how nodes get files. */
export function planNodeFiles(site: EngineSite, files: readonly NodeFile[]): NodeFilesPlan {
  const placed = files.map((file) => ({ file, hostPath: enginePath(site, file.path) }));
  return {
    mounts: placed.flatMap(({ file, hostPath }) =>
      hostPath === undefined ? [] : [{ hostPath, containerPath: file.target }],
    ),
    copies: placed.flatMap(({ file, hostPath }) => (hostPath === undefined ? [file] : [])),
  };
}

/** Copies files into a node that runs. */
export async function copyNodeFiles(
  node: { readonly id: string; readonly name: string },
  copies: readonly NodeFile[],
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const options = { timeoutSeconds: 600, purpose: `copying files into ${node.name}`, signal };
  for (const { path, target } of copies) {
    const isFolder = (await stat(path)).isDirectory();
    await execInContainer(node.id, ["mkdir", "-p", isFolder ? target : posix.dirname(target)], options, exec);
    await copyToContainer(node.id, { path: isFolder ? `${path}/.` : path, target }, options, exec);
  }
}

/** Removes a copy from a node. */
export async function removeNodeFile(
  node: { readonly id: string; readonly name: string },
  target: string,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const options = { timeoutSeconds: 60, purpose: `removing ${target} from ${node.name}`, signal };
  await execInContainer(node.id, ["rm", "-f", target], options, exec);
}
