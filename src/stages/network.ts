import { applyCniManifests } from "../cluster/cni.ts";
import type { Kubectl } from "../cluster/kubectl.ts";
import type { StepContext } from "../context.ts";

/** Installs the user's network plugin, if there is one; kind's own is installed by kind. */
export async function installNetwork({ plan, log, timeline }: StepContext, admin: Kubectl): Promise<void> {
  const { cniManifests } = plan;
  if (cniManifests.length === 0) return;
  await timeline.measure("Apply cni-manifests", () => applyCniManifests(cniManifests, admin));
  log.info(`Network plugin applied: ${cniManifests.join(", ")}`);
}
