import semver from "semver";
import type { Problem } from "../errors.ts";
import type { Catalog, KindRelease, NodeImage } from "./catalog.ts";
import { minorOf, satisfies, showRequest, type VersionRequest, type VersionRequests } from "./request.ts";

/** The Kubernetes of TORCH-V2's guide, which creates its clusters with it. */
export const DEFAULT_KUBERNETES = "1.28";

/** The first whose certificate requests take a lifetime. Source: Kubernetes KEP-2784 (expirationSeconds). */
export const OLDEST_KUBERNETES = "1.22.0";

/** From here on kubelets refuse to start on cgroup v1 unless failCgroupV1 is false. Source: Kubernetes KEP-5573. */
const FIRST_WITHOUT_CGROUP_V1 = "1.35.0";

/** The patch that lets kubelets start on cgroup v1 nevertheless. */
const CGROUP_V1_PATCH = 'kubeadmConfigPatches: ["{kind: KubeletConfiguration, failCgroupV1: false}"]';

/** A node image in the list of a kind release. */
export interface ListedImage {
  readonly release: KindRelease;
  readonly image: NodeImage;
}

/** Finds the first release that lists the requested Kubernetes, and its newest image of it. */
export function findListedImage(releases: readonly KindRelease[], wanted: VersionRequest): ListedImage | undefined {
  for (const release of releases) {
    const image = release.images
      .filter((item) => satisfies(item.kubernetes, wanted))
      .toSorted((a, b) => semver.rcompare(a.kubernetes, b.kubernetes))[0];
    if (image !== undefined) return { release, image };
  }
  return undefined;
}

/** Says that no release that may be used lists the requested Kubernetes. */
export function describeUnlisted(wanted: VersionRequest, chosen: KindRelease | undefined, catalog: Catalog): Problem {
  const elsewhere = chosen === undefined ? undefined : findListedImage(catalog.kind, wanted);
  if (chosen === undefined || elsewhere === undefined) return describeUnknown(wanted, listVersions(catalog.kind));
  const asked = showRequest(wanted);
  return {
    input: "kubernetes-version and kind-version",
    value: asked,
    reason: `is not in the catalog for kind ${chosen.version}`,
    allowed: `with kind ${chosen.version}: ${listVersions([chosen]).join(", ")}; ${asked} with kind ${elsewhere.release.version}`,
    fix: "remove kind-version, or set node-image",
  };
}

/** @param versions all that the catalog lists. */
function describeUnknown(wanted: VersionRequest, versions: readonly string[]): Problem {
  const asked = showRequest(wanted);
  const minors = [...new Set(versions.map(minorOf))];
  const tenfold = wanted.kind === "minor" ? minors.find((minor) => minor === `${asked}0`) : undefined;
  const minor = wanted.kind === "exact" ? minorOf(wanted.version) : undefined;
  const patches = versions.filter((version) => minorOf(version) === minor);
  return {
    input: "kubernetes-version",
    value: asked,
    reason: "is not in the catalog",
    allowed:
      patches.length > 0
        ? `latest, ${minor}, or one of ${patches.join(", ")}`
        : `latest, one of ${minors.join(", ")}, or an exact version of them`,
    fix:
      tenfold === undefined
        ? "use a listed version, or set node-image"
        : `if you meant ${tenfold}, quote it in the workflow ("${tenfold}"): YAML reads an unquoted ${tenfold} as the number ${asked}`,
  };
}

/** The Kubernetes versions that releases list, newest first. */
function listVersions(releases: readonly KindRelease[]): readonly string[] {
  const versions = releases.flatMap((release) => release.images.map((image) => image.kubernetes));
  return [...new Set(versions)].toSorted(semver.rcompare);
}

/** Checks that the cluster's Kubernetes can sign the user's certificate, and that its kubelets start on this host. */
export function checkKubernetes(
  kubernetes: string,
  { kubernetes: asked, nodeImage, failCgroupV1 }: VersionRequests,
  cgroupVersion: 1 | 2 | undefined,
): readonly Problem[] {
  const subject = {
    input: nodeImage === undefined ? "kubernetes-version" : "node-image",
    value: nodeImage ?? (asked === undefined ? kubernetes : showRequest(asked)),
  };
  const problems: Problem[] = [];
  if (cgroupVersion === 1 && semver.gte(kubernetes, FIRST_WITHOUT_CGROUP_V1) && failCgroupV1 !== false) {
    problems.push({
      ...subject,
      reason: `is Kubernetes ${kubernetes}, whose kubelet refuses to start on cgroup v1, which this host uses`,
      allowed: "1.34 or older on this host, or a kind-config that sets failCgroupV1: false for the kubelets",
      fix: `use Kubernetes 1.34 or older or a runner with cgroup v2, or write at the top level of kind-config: ${CGROUP_V1_PATCH}`,
    });
  }
  if (semver.lt(kubernetes, OLDEST_KUBERNETES)) {
    problems.push({
      ...subject,
      reason: `is Kubernetes ${kubernetes}, which cannot sign a certificate for a requested lifetime`,
      allowed: "1.22 or newer",
      fix: "use Kubernetes 1.22 or newer",
    });
  }
  return problems;
}
