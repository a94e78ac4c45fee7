import semver from "semver";
import type { Problem } from "../errors.ts";
import type { Catalog, KindRelease } from "./catalog.ts";
import { satisfies, showRequest, type VersionRequest } from "./request.ts";

/** The first release whose configuration has networking.dnsSearch, which the default of the input dns needs. */
export const OLDEST_KIND = "0.18.0";

/**
 * The first release that can run node images of a Kubernetes version, newest first. Source: kind's release notes, which
 * name the version of kind that an image's kubeadm or containerd configuration needs.
 */
const OLDEST_KIND_FOR: readonly { readonly kubernetes: string; readonly kind: string }[] = [
  { kubernetes: "1.37.0", kind: "0.32.0" },
  { kubernetes: "1.33.0", kind: "0.27.0" },
];

/** Chooses the newest release in the catalog that is what was requested; `undefined` where nothing was requested. */
export function chooseRelease(
  request: VersionRequest | undefined,
  catalog: Catalog,
): { readonly chosen: KindRelease | undefined } | { readonly problem: Problem } {
  if (request === undefined) return { chosen: undefined };
  const chosen = catalog.kind.find((release) => satisfies(release.version, request));
  if (chosen !== undefined) return { chosen };
  return {
    problem: {
      input: "kind-version",
      value: showRequest(request),
      reason: "is not a kind release in the catalog",
      allowed: `auto, latest, or one of ${catalog.kind.map((release) => release.version).join(", ")}`,
      fix: "remove kind-version, or set catalog to a file that lists this release",
    },
  };
}

/** Checks that a kind release is new enough for this Action and for the cluster's Kubernetes. */
export function checkKind(version: string, kubernetes: string): readonly Problem[] {
  const oldest = OLDEST_KIND_FOR.find((rule) => semver.gte(kubernetes, rule.kubernetes))?.kind ?? OLDEST_KIND;
  if (semver.gte(version, oldest)) return [];
  return [
    {
      input: "kind-version",
      value: version,
      reason: `is too old for Kubernetes ${kubernetes} and this Action's kind configuration`,
      allowed: `${oldest} or newer with this Kubernetes`,
      fix: "remove kind-version to use the newest release that fits",
    },
  ];
}
