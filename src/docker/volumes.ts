import type { Exec } from "../exec.ts";
import { type DockerOptions, docker, linesOf } from "./client.ts";

/** The names of the volumes with a label. */
export async function listVolumes(label: string, options: DockerOptions, exec: Exec): Promise<readonly string[]> {
  return linesOf((await docker(["volume", "ls", "--quiet", `--filter=label=${label}`], options, exec)).stdout);
}

/** Removes volumes. */
export async function removeVolumes(volumes: readonly string[], options: DockerOptions, exec: Exec): Promise<void> {
  if (volumes.length > 0) await docker(["volume", "rm", "--force", ...volumes], options, exec);
}
