import { isAbsolute } from "node:path";
import { checkHostPath, type HostPath } from "../cluster/config/mounts.ts";
import type { UserConfiguration } from "../cluster/config/read.ts";
import { enginePath } from "../docker/engine-paths.ts";
import type { EngineSite } from "../docker/site.ts";
import type { Problem } from "../errors.ts";
import type { Issue } from "../values/issue.ts";

/** What a kind configuration mounts into nodes and does not exist, or not where the engine would look for it. */
export async function checkHostPaths(
  configuration: UserConfiguration | undefined,
  createdDirectory: string | undefined,
  site: EngineSite,
): Promise<readonly Problem[]> {
  if (configuration === undefined) return [];
  const { hostPaths, problemAt } = configuration;
  const checked = await Promise.all(
    hostPaths.map(async (hostPath) => ({ ...hostPath, issue: await checkPath(hostPath, createdDirectory, site) })),
  );
  return checked.flatMap(({ path, issue }) => (issue === undefined ? [] : [problemAt(path, issue)]));
}

async function checkPath(
  hostPath: HostPath,
  createdDirectory: string | undefined,
  site: EngineSite,
): Promise<Issue | undefined> {
  if (site.kind === "remote") return checkRemotePath(hostPath, site.host);
  const missing = await checkHostPath(hostPath, createdDirectory);
  if (missing !== undefined || site.kind === "this-machine") return missing;
  if (enginePath(site, hostPath.hostPath) !== undefined) return undefined;
  return {
    reason: `is in the file system of this job's container, ${site.name}, which Docker Engine cannot mount into a node`,
    allowed: "a path in a volume of the job's container, such as the workspace",
    fix: "copy what is mounted into the workspace in an earlier step, or add a volume to the job's container",
  };
}

/** Whether an absolute path exists on another machine cannot be seen from here. */
function checkRemotePath({ hostPath }: HostPath, host: string): Issue | undefined {
  if (isAbsolute(hostPath)) return undefined;
  return {
    reason: `is a relative path, and Docker Engine is on another machine (${host})`,
    allowed: "an absolute path of that machine",
    fix: "write a path of the engine's machine, or remove the mount",
  };
}
