import { CONFIGURATION_INPUT } from "../cluster/config/reader.ts";
import type { ClusterShape } from "../cluster/config/shape.ts";
import type { Problem } from "../errors.ts";
import type { PlanFacts } from "./facts.ts";

/** Manifests of a network plugin for a cluster that gets kind's own. */
export function checkCniManifests(
  { inputs, files }: Pick<PlanFacts, "inputs" | "files">,
  { defaultCni }: Pick<ClusterShape, "defaultCni">,
): readonly Problem[] {
  const { cniManifests } = inputs;
  if (cniManifests.length === 0 || !defaultCni) return [];
  const { configuration } = files;
  const path = ["networking", "disableDefaultCNI"];
  const position = configuration?.positionOf(path);
  const place = position === undefined ? "" : ` (${configuration?.source}, ${position})`;
  return [
    {
      input: configuration === undefined ? "cni-manifests" : `cni-manifests and ${CONFIGURATION_INPUT}`,
      value: cniManifests.join(", "),
      reason: `would be a second pod network beside kind's own: ${CONFIGURATION_INPUT}${place} does not set networking.disableDefaultCNI: true`,
      allowed: "manifests of a network plugin, in a cluster without kind's own",
      fix: `set networking.disableDefaultCNI: true in ${CONFIGURATION_INPUT}, or remove cni-manifests`,
    },
  ];
}
