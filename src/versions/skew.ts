import semver from "semver";

/** The minor versions that a component may have beside an API server, inclusive: `["1.27", "1.29"]`. */
export type MinorRange = readonly [oldest: string, newest: string];

/**
 * kubectl is supported within one minor version, older or newer, of the API server.
 * Source: Kubernetes version skew policy, "kubectl".
 */
export function kubectlRange(apiServer: string): MinorRange {
  return around(apiServer, 1, 1);
}

/**
 * A kubelet may not be newer than the API server, and at most three minor versions older; two before 1.28.
 * Source: Kubernetes version skew policy, "kubelet"; the limit of three came with 1.28.
 */
export function kubeletRange(apiServer: string): MinorRange {
  return around(apiServer, semver.lt(apiServer, "1.28.0") ? 2 : 3, 0);
}

/** Whether a version's minor lies in the range. */
export function isWithin(version: string, [oldest, newest]: MinorRange): boolean {
  const minor = semver.minor(version);
  return (
    semver.major(version) === semver.major(`${newest}.0`) &&
    minor >= semver.minor(`${oldest}.0`) &&
    minor <= semver.minor(`${newest}.0`)
  );
}

function around(apiServer: string, older: number, newer: number): MinorRange {
  const major = semver.major(apiServer);
  const minor = semver.minor(apiServer);
  return [`${major}.${Math.max(0, minor - older)}`, `${major}.${minor + newer}`];
}
