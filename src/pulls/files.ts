import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolders } from "../values/files.ts";
import { renderHosts } from "./hosts.ts";
import type { PullPlan } from "./plan.ts";

/** What nodes get as mounts; `undefined` for what is not asked for. */
export interface PullMounts {
  /** A folder of this machine with what containerd knows about registries. */
  readonly certs: string | undefined;
  /** A file of this machine with credentials for the kubelets. */
  readonly credentials: string | undefined;
}

/** Where the credentials for the kubelets lie in a run's folder. */
export function pullCredentialsPath(runDirectory: string): string {
  return join(runDirectory, "pull-credentials.json");
}

/** Writes what the nodes mount into the run's folder. */
export async function writePullFiles(plan: PullPlan, runDirectory: string): Promise<PullMounts> {
  const hosts = renderHosts(plan);
  const certs = join(runDirectory, "certs.d");
  for (const { registry, text } of hosts) {
    await makeFolders(join(certs, registry), 0o700);
    await writeFile(join(certs, registry, "hosts.toml"), text, { mode: 0o600 });
  }
  const credentials = pullCredentialsPath(runDirectory);
  if (plan.credentials !== undefined) await writeFile(credentials, plan.credentials.text, { mode: 0o600, flag: "wx" });
  return {
    certs: hosts.length === 0 ? undefined : certs,
    credentials: plan.credentials === undefined ? undefined : credentials,
  };
}
