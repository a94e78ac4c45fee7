import { join, posix } from "node:path";
import { isWithinFolder } from "../values/paths.ts";
import type { EngineSite } from "./site.ts";

/**
 * A path of this step as the engine's machine has it, to be mounted into a container. `undefined` where that machine does not
 * have it: it is in this container's own file system, or on another machine. A slash at the end stays.
 */
export function enginePath(site: EngineSite, path: string): string | undefined {
  if (site.kind === "this-machine") return path;
  if (site.kind === "remote") return undefined;
  const absolute = posix.resolve(path);
  const [mount] = site.mounts
    .filter(({ destination }) => isWithinFolder(destination, absolute))
    .toSorted((a, b) => b.destination.length - a.destination.length);
  if (mount === undefined) return undefined;
  const there = join(mount.source, posix.relative(mount.destination, absolute));
  return path.endsWith("/") && !there.endsWith("/") ? `${there}/` : there;
}
