import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { asList, isRecord } from "../../values/data.ts";
import type { Issue } from "../../values/issue.ts";
import { isWithinFolder } from "../../values/paths.ts";
import type { ConfigurationReader, Path } from "./reader.ts";

/** A host path that a configuration mounts into a node. */
export interface HostPath {
  readonly path: Path;
  readonly hostPath: string;
}

/** The host paths of a configuration. A mount needs a path in the node: Docker refuses one without. */
export function readHostPaths(nodes: unknown, reader: ConfigurationReader): readonly HostPath[] {
  return asList(nodes).flatMap((node, index) =>
    asList(isRecord(node) ? node.extraMounts : undefined).flatMap((mount, position) => {
      const path = ["nodes", index, "extraMounts", position];
      if (!isRecord(mount)) return [];
      if (mount.containerPath === undefined && !reader.isWrong(path)) {
        reader.wrong(path, {
          reason: "has no containerPath",
          allowed: "a mount with a path in the node",
          fix: "add it",
        });
      }
      return typeof mount.hostPath === "string" ? [{ path: [...path, "hostPath"], hostPath: mount.hostPath }] : [];
    }),
  );
}

/**
 * What is wrong with a host path: where nothing is there, Docker makes an empty folder of that name, owned by root. Relative
 * paths start where kind runs (its docker provider's planCreation), and one that ends in a slash says that a folder is
 * to be made.
 * @param made the folder that the step itself makes before the nodes, with those above it.
 */
export async function checkHostPath(
  { hostPath }: Pick<HostPath, "hostPath">,
  made: string | undefined,
): Promise<Issue | undefined> {
  try {
    await stat(resolve(hostPath) + (hostPath.endsWith("/") ? "/" : ""));
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" && hostPath.endsWith("/")) return undefined;
    // What the step may not look at, Docker may.
    if (code !== "ENOENT" && code !== "ENOTDIR") return undefined;
    if (code === "ENOENT" && made !== undefined && isWithinFolder(resolve(hostPath), made)) return undefined;
    const allowed =
      "a path that exists, or one that ends in / for a folder that Docker makes: an empty folder owned by root";
    const reason = code === "ENOTDIR" ? "leads through a file" : `does not exist (${resolve(hostPath)})`;
    if (/^~|\$/.test(hostPath)) {
      const fix = "write the path itself: kind does not expand ~ or variables";
      return { reason, allowed, fix };
    }
    if (made !== undefined && isWithinFolder(made, resolve(hostPath))) {
      const fix = "mount the credentials-directory itself: its files are written when the nodes are there";
      return { reason, allowed, fix };
    }
    return { reason, allowed, fix: "check the path, and that what is mounted is there before this step" };
  }
}
