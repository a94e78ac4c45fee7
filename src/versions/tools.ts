import type { Problem } from "../errors.ts";
import type { Catalog } from "./catalog.ts";
import { checkKind, chooseRelease } from "./kind.ts";
import { chooseKubectl, findNewest, knownKubectls } from "./kubectl.ts";
import { chooseNodeImage } from "./node-image.ts";
import { showRequest, type VersionRequest } from "./request.ts";

/** Versions of kind and kubectl without a cluster, and why they were chosen. */
export interface ToolVersions {
  readonly kind: string;
  readonly kubectl: string;
  readonly reasons: { readonly kind: string; readonly kubectl: string };
}

/** What was requested; `undefined` where nothing was. */
export interface ToolRequests {
  readonly kubernetes: VersionRequest | undefined;
  readonly kind: VersionRequest | undefined;
  readonly kubectl: VersionRequest | undefined;
}

type ToolResolution = { readonly versions: ToolVersions } | { readonly problems: readonly Problem[] };

const NEWEST = "the newest in the catalog";

/** Chooses kind and kubectl for a Kubernetes version that is requested, as for a cluster; else the newest of each. */
export function resolveTools(requests: ToolRequests, catalog: Catalog): ToolResolution {
  return requests.kubernetes === undefined ? resolveNewest(requests, catalog) : resolveFor(requests, catalog);
}

function resolveNewest(requests: ToolRequests, catalog: Catalog): ToolResolution {
  const release = chooseRelease(requests.kind, catalog);
  const wanted = requests.kubectl ?? { kind: "latest" };
  const kubectl = wanted.kind === "exact" ? wanted.version : findNewest(wanted, knownKubectls(catalog));
  const problems = [
    ...("problem" in release ? [release.problem] : []),
    ...(kubectl === undefined ? [describeUnknownKubectl(wanted)] : []),
  ];
  // A catalog lists its releases newest first, at least one.
  const kind = "problem" in release ? undefined : (release.chosen ?? catalog.kind[0]);
  if (problems.length > 0 || kind === undefined || kubectl === undefined) return { problems };
  const minor =
    requests.kubectl?.kind === "minor" ? `${showRequest(wanted)}, in its newest patch in the catalog` : "requested";
  return {
    versions: {
      kind: kind.version,
      kubectl,
      reasons: {
        kind: requests.kind === undefined ? NEWEST : "requested",
        kubectl: requests.kubectl === undefined ? NEWEST : minor,
      },
    },
  };
}

function resolveFor(requests: ToolRequests, catalog: Catalog): ToolResolution {
  const image = chooseNodeImage({ ...requests, nodeImage: undefined, configuredImages: [] }, catalog);
  if (!image.ok) {
    const fix = "use a listed version, or set kubectl-version without kubernetes-version";
    return { problems: [image.problem.input === "kind-version" ? image.problem : { ...image.problem, fix }] };
  }
  const kubectl = chooseKubectl(requests.kubectl, image.kubernetes, catalog);
  const problems = [...checkKind(image.release.version, image.kubernetes), ...(kubectl.ok ? [] : [kubectl.problem])];
  if (problems.length > 0 || !kubectl.ok) return { problems };
  const reason = requests.kubectl === undefined ? "that of kubernetes-version" : kubectl.reason;
  return {
    versions: {
      kind: image.release.version,
      kubectl: kubectl.version,
      reasons: { kind: image.reasons.kind, kubectl: reason },
    },
  };
}

function describeUnknownKubectl(wanted: VersionRequest): Problem {
  return {
    input: "kubectl-version",
    value: showRequest(wanted),
    reason: "has no patch version in the catalog",
    allowed: "auto, a minor in the catalog, or an exact version",
    fix: "set the exact version",
  };
}
