import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Bed, raiseBed } from "../../testbed/bed.ts";
import { releases } from "../../testbed/releases.ts";

/**
 * The inputs by which a step uses the bed's images and downloads; none where the official ones can be had. The
 * catalog is copied into the runner's temporary folder, for inputs may not point elsewhere.
 */
export async function bedInputs(bed: Bed, temp: string): Promise<Readonly<Record<string, string>>> {
  if (bed.official) return {};
  await mkdir(temp, { recursive: true });
  await copyFile(bed.catalog, join(temp, "catalog.json"));
  return {
    catalog: join(temp, "catalog.json"),
    "kind-mirror": bed.kindMirror,
    "kubectl-mirror": bed.kubectlMirror,
  };
}

/**
 * Makes the machine that a run with this Kubernetes version needs. A version that the bed cannot make is left to the
 * Action, which says what there is to choose from.
 */
export async function raiseBedFor(kubernetesVersion: string | undefined, log: (line: string) => void): Promise<Bed> {
  const wanted = kubernetesVersion ?? "";
  const known = releases.find(({ minor, patch }) => wanted === minor || wanted === patch);
  return await raiseBed({ kubernetes: [known?.minor ?? "1.28"], log });
}
