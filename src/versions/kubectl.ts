import semver from "semver";
import type { Problem } from "../errors.ts";
import type { Catalog } from "./catalog.ts";
import { satisfies, showRequest, type VersionRequest } from "./request.ts";
import { isWithin, kubectlRange } from "./skew.ts";

/** kubectl's version, and why it was chosen. */
export type KubectlChoice =
  | { readonly ok: true; readonly version: string; readonly reason: string }
  | { readonly ok: false; readonly problem: Problem };

/** Chooses the cluster's own version, or the newest known one that was requested, where the skew policy allows it. */
export function chooseKubectl(request: VersionRequest | undefined, apiServer: string, catalog: Catalog): KubectlChoice {
  if (request === undefined) return { ok: true, version: apiServer, reason: "the cluster's own version" };
  const version =
    request.kind === "exact" ? request.version : findNewest(request, [...knownKubectls(catalog), apiServer]);
  // A minor without a known patch can still be too far from the API server.
  const judged = version ?? (request.kind === "minor" ? `${request.minor}.0` : apiServer);
  const range = kubectlRange(apiServer);
  const subject = {
    input: "kubectl-version",
    value: showRequest(request),
    allowed: `${range[0]} to ${range[1]} with Kubernetes ${apiServer}`,
  };
  if (!isWithin(judged, range)) {
    return {
      ok: false,
      problem: {
        ...subject,
        reason: `is kubectl ${version ?? showRequest(request)} with Kubernetes ${apiServer}, more than one minor version apart (the version skew policy)`,
        fix: "remove kubectl-version to use the cluster's own version",
      },
    };
  }
  if (version === undefined) {
    return {
      ok: false,
      problem: {
        ...subject,
        reason: "has no patch version, and the catalog lists none for it",
        fix: `set the exact version, such as ${judged}`,
      },
    };
  }
  const asked = request.kind === "minor" ? `${request.minor}, in its newest patch in the catalog` : "requested";
  return { ok: true, version, reason: `${asked}; within one minor of ${apiServer}` };
}

/** The versions that a catalog knows. A node image holds the kubectl of its version: images name versions too. */
export function knownKubectls(catalog: Catalog): readonly string[] {
  return [
    ...catalog.kubectl.map((release) => release.version),
    ...catalog.kind.flatMap((release) => release.images.map((image) => image.kubernetes)),
  ];
}

/** The newest of some versions that is what was requested. */
export function findNewest(request: VersionRequest, known: readonly string[]): string | undefined {
  return known.filter((version) => satisfies(version, request)).toSorted(semver.rcompare)[0];
}
