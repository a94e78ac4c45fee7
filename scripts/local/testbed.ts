import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Bed, raiseBed } from "../../testbed/bed.ts";
import { releases } from "../../testbed/releases.ts";

/**
 * The inputs that make a step use the images and downloads of the test environment; none if the official ones are
 * available. The catalog is copied into the runner's temporary folder, because inputs may not point elsewhere.
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
 * Sets up the test environment for a run with this Kubernetes version. A version that it cannot build is left to the
 * Action, which lists the versions to choose from.
 */
export async function raiseBedFor(kubernetesVersion: string | undefined, log: (line: string) => void): Promise<Bed> {
  const wanted = kubernetesVersion ?? "";
  const known = releases.find(({ minor, patch }) => wanted === minor || wanted === patch);
  return await raiseBed({ kubernetes: [known?.minor ?? "1.28"], log });
}
