import { readContainerLog } from "../docker/container-logs.ts";
import { listContainerNames } from "../docker/containers.ts";
import type { Exec } from "../exec.ts";
import type { LogFolder } from "./folder.ts";

/** Collects the log of the provider of load balancers and of each load balancer. @param label on each: `name=value`. */
export async function collectBalancerLogs(label: string, folder: LogFolder, exec: Exec): Promise<void> {
  const options = { timeoutSeconds: 60, purpose: "looking for load balancers" };
  for (const container of await listContainerNames([`label=${label}`], options, exec)) {
    await folder.keep(["load-balancers", `${container}.log`], await readContainerLog(container, exec));
  }
}
