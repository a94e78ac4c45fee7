import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { errorCode } from "../../errors.ts";
import { asList, isRecord } from "../../values/data.ts";
import type { Issue } from "../../values/issue.ts";
import { isWithinFolder } from "../../values/paths.ts";
import type { Path, Places } from "./places.ts";
import { CONFIGURATION_INPUT, type ConfigurationReader } from "./reader.ts";

/** A host path that a configuration mounts into a node. */
export interface HostPath {
  readonly path: Path;
  readonly hostPath: string;
}

/** Every mount needs a path in the node: Docker refuses one without. */
export function checkMounts(nodes: unknown, reader: ConfigurationReader): void {
  for (const { path, mount } of listMounts(nodes)) {
    if (!isRecord(mount) || mount.containerPath !== undefined || reader.hasProblem(path)) continue;
    reader.addProblem(path, {
      reason: "has no containerPath",
      allowed: "a mount with a path in the node",
      fix: "add containerPath",
    });
  }
}

/** The host paths of a configuration. */
export function findHostPaths(nodes: unknown): readonly HostPath[] {
  return listMounts(nodes).flatMap(({ path, mount }) =>
    isRecord(mount) && typeof mount.hostPath === "string"
      ? [{ path: [...path, "hostPath"], hostPath: mount.hostPath }]
      : [],
  );
}

/** Warns about mounts without a host path: kind makes the empty path absolute, which gives the folder it runs in. */
export function warnAboutMounts(nodes: unknown, places: Places): readonly string[] {
  return listMounts(nodes).flatMap(({ path, mount }) =>
    isRecord(mount) && (mount.hostPath ?? "") === ""
      ? [
          `${CONFIGURATION_INPUT}: ${places.placeOf(path)} has no hostPath, so kind mounts the working directory there. Fix: write hostPath.`,
        ]
      : [],
  );
}

function listMounts(nodes: unknown): readonly { readonly path: Path; readonly mount: unknown }[] {
  return asList(nodes).flatMap((node, index) =>
    asList(isRecord(node) ? node.extraMounts : undefined).map((mount, position) => ({
      path: ["nodes", index, "extraMounts", position],
      mount,
    })),
  );
}

const ALLOWED = "a path that exists, or one that ends in /, for which Docker creates an empty folder owned by root";

/**
 * Checks that a host path exists: otherwise Docker creates an empty folder of that name, owned by root. A path that ends
 * in a slash asks for that folder. Relative paths start where kind runs (planCreation of its docker provider).
 * @param created the folder that the step creates before the nodes, with its parents.
 */
export async function checkHostPath(
  { hostPath }: Pick<HostPath, "hostPath">,
  created: string | undefined,
): Promise<Issue | undefined> {
  const path = resolve(hostPath);
  const code = await statError(path + (hostPath.endsWith("/") ? "/" : ""));
  if (code === "ENOTDIR") return { reason: "goes through a file", allowed: ALLOWED, fix: fixPath(hostPath, created) };
  // Docker may see what this step may not.
  if (code !== "ENOENT" || hostPath.endsWith("/")) return undefined;
  if (created !== undefined && isWithinFolder(path, created)) return undefined;
  return { reason: `does not exist (${path})`, allowed: ALLOWED, fix: fixPath(hostPath, created) };
}

async function statError(path: string): Promise<string | undefined> {
  return await stat(path).then(() => undefined, errorCode);
}

function fixPath(hostPath: string, created: string | undefined): string {
  if (/^~|\$/.test(hostPath)) return "write the path itself: kind does not expand ~ or variables";
  if (created !== undefined && isWithinFolder(created, resolve(hostPath))) {
    return "mount the credentials-directory itself: its files are written when the nodes exist";
  }
  return "check the path, and create what is mounted before this step";
}
