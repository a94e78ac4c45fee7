/** End-to-end test files that boot TORCH-V2, which takes the guide's ports of this machine, and need not run alone. */
export const WITH_TORCH: readonly string[] = [
  "attack-build",
  "attack-pods",
  "attacks",
  "caller",
  "job-container",
  "layers",
  "packages",
  "torch",
  "torch-deployments",
];

/**
 * Those that change what every cluster of this machine depends on (its limits, its name servers, the engine), or that
 * look at everything that Docker has.
 */
export const ALONE: readonly string[] = [
  ...["act", "chaos", "cluster", "conformance", "faults-artifacts", "faults-disk", "faults-docker", "faults-downloads"],
  ...["faults-engine", "faults-environment", "faults-kubernetes", "faults-nodes", "faults-runner", "faults-stopped"],
  ...["faults-torch", "inotify", "lifecycle", "many", "pair", "secrets", "two-clusters"],
];

/**
 * Those that show a feature in full that is not on every job's way. They would double the time of `npm test`, which
 * leaves them out and says so; each is a job of ci.yml.
 */
export const LONG: readonly string[] = [
  ...["act", "attack-pods", "caller", "control-planes", "job-container", "layers", "liqo", "packages", "recipes"],
  ...["registry", "remote-engine", "torch-deployments"],
];
