/**
 * What belongs together for one Kubernetes minor: a patch that the module proxy has with all its staging modules, the Go
 * version it was written for, and the kind release whose list has the minor.
 */
export type Release = {
  readonly minor: string;
  readonly patch: string;
  readonly go: string;
  readonly kind: string;
};

export const releases: readonly Release[] = [
  { minor: "1.28", patch: "1.28.15", go: "go1.22.12", kind: "0.25.0" },
  { minor: "1.29", patch: "1.29.2", go: "go1.22.12", kind: "0.27.0" },
  { minor: "1.30", patch: "1.30.4", go: "go1.22.12", kind: "0.29.0" },
  { minor: "1.31", patch: "1.31.0", go: "go1.23.12", kind: "0.31.0" },
  { minor: "1.32", patch: "1.32.2", go: "go1.23.12", kind: "0.31.0" },
  { minor: "1.33", patch: "1.33.13", go: "go1.24.9", kind: "0.32.0" },
  { minor: "1.34", patch: "1.34.3", go: "go1.24.9", kind: "0.33.0" },
  { minor: "1.37", patch: "1.37.2", go: "go1.26.10", kind: "0.33.0" },
];

export function releaseOf(kubernetes: string): Release {
  const found = releases.find(({ minor, patch }) => minor === kubernetes || patch === kubernetes);
  if (found === undefined) {
    const known = releases.map(({ minor, patch }) => `${minor} (${patch})`).join(", ");
    throw new Error(
      `the test environment has no Kubernetes ${kubernetes}. Fix: choose one that it can build: ${known}.`,
    );
  }
  return found;
}

/** The newest minor that can be built. */
export function newestMinor(): string {
  return releases.map(({ minor }) => minor).at(-1) ?? "";
}

/** From 1.35 on a kubelet starts on cgroup v1 only with this patch; elsewhere it changes nothing. */
export function kubeletPatches(minor: string): readonly string[] {
  const patch = { kind: "KubeletConfiguration", failCgroupV1: false };
  return Number(minor.split(".")[1]) >= 35 ? [JSON.stringify(patch)] : [];
}

/** The same as a whole configuration for kind. */
export function kindConfig(minor: string): string {
  const head = { kind: "Cluster", apiVersion: "kind.x-k8s.io/v1alpha4" };
  return JSON.stringify({ ...head, kubeadmConfigPatches: kubeletPatches(minor) });
}

export const ports = { registry: 45_871, mirror: 45_872 } as const;

/** The newest minor whose official kubectl is on npm. */
const NEWEST_KUBECTL = 36;

/** A cluster's minor and its neighbours, which the skew policy allows, and one far outside it, as far as their kubectl is published. */
export function neighbours(minor: string): readonly string[] {
  const number = Number(minor.split(".")[1]);
  const wanted = new Set([number - 1, number, number + 1, 34]);
  return [...wanted].filter((each) => each <= NEWEST_KUBECTL).map((each) => `1.${each}`);
}
