import semver from "semver";
import type { Problem } from "../errors.ts";
import type { Catalog, KindRelease } from "./catalog.ts";
import { minorOf, parseVersionRequest, satisfies, showRequest, type VersionRequest } from "./request.ts";
import { isWithin, kubectlRange, kubeletRange } from "./skew.ts";

/** The guide's Kubernetes: TORCH-V2's clusters are made with it. */
export const DEFAULT_KUBERNETES = "1.28";

/** The first whose configuration has networking.dnsSearch, which the default of the input dns needs. */
const OLDEST_KIND = "0.18.0";

/** The first whose certificate requests take a lifetime (expirationSeconds, KEP-2784). */
const OLDEST_KUBERNETES = "1.22.0";

/** kubelets of this version and later refuse to start on cgroup v1 unless failCgroupV1 is false (Kubernetes KEP-5573). */
const FIRST_WITHOUT_CGROUP_V1 = "1.35.0";

/** The patch with which kubelets start on cgroup v1 all the same. */
const CGROUP_V1_PATCH = 'kubeadmConfigPatches: ["{kind: KubeletConfiguration, failCgroupV1: false}"]';

/**
 * Node images need a kind that knows their kubeadm and containerd configuration: the releases from which kind's
 * notes say so, newest first.
 */
const OLDEST_KIND_FOR: readonly { readonly kubernetes: string; readonly kind: string }[] = [
  { kubernetes: "1.37.0", kind: "0.32.0" },
  { kubernetes: "1.33.0", kind: "0.27.0" },
];

/** What the user said about versions; `undefined` is "not said". */
export interface VersionRequests {
  readonly kubernetes: VersionRequest | undefined;
  readonly kind: VersionRequest | undefined;
  readonly kubectl: VersionRequest | undefined;
  readonly nodeImage: string | undefined;
  /** Images that the user's kind configuration gives its nodes, by role; `undefined` where it gives none. */
  readonly configuredImages: readonly { readonly controlPlane: boolean; readonly image: string | undefined }[];
  /** What the user's kind configuration sets failCgroupV1 of the kubelets to. */
  readonly failCgroupV1?: boolean | undefined;
}

/** The versions of a run, and why they were chosen. */
export interface Versions {
  readonly kubernetes: string;
  readonly kind: string;
  readonly kubectl: string;
  readonly nodeImage: string;
  /** The image of kind's load balancer, needed with several control planes, where the catalog knows it. */
  readonly loadBalancerImage: string | undefined;
  readonly reasons: { readonly kubernetes: string; readonly kind: string; readonly kubectl: string };
  readonly warnings: readonly string[];
}

/** Either the versions, or everything that is wrong with what was asked. */
export type Resolution =
  | { readonly ok: true; readonly versions: Versions }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Chooses kind, the node image and kubectl: `auto` kind is the newest release whose list has the wanted Kubernetes,
 * `auto` kubectl is the cluster's own version, and whatever was said explicitly is held to the skew policy.
 * @param cgroupVersion the host's, where it is known: 1.35 and later need version 2, or failCgroupV1: false.
 * @param rejected inputs whose values were rejected: no problem rests on what stands in their place.
 */
export function resolveVersions(
  requests: VersionRequests,
  catalog: Catalog,
  cgroupVersion: 1 | 2 | undefined,
  rejected: ReadonlySet<string> = new Set(),
): Resolution {
  const image = chooseNodeImage(requests, catalog);
  if (!image.ok) return { ok: false, problems: image.problems.filter((problem) => !restsOn(problem, rejected)) };
  const { kubernetes, nodeImage, release } = image;
  // Any other problem is one with the version of the cluster, which is not known then.
  const unknown = ["kubernetes-version", "node-image", "kind-config", "catalog"].some((name) => rejected.has(name));
  const open =
    rejected.has("kind-version") && requests.kubernetes?.kind !== "exact" && requests.nodeImage === undefined;
  if (unknown || open) return { ok: false, problems: [] };
  const problems: Problem[] = [];
  const warnings = [...image.warnings];

  if (cgroupVersion === 1 && semver.gte(kubernetes, FIRST_WITHOUT_CGROUP_V1) && requests.failCgroupV1 !== false) {
    problems.push({
      input: requests.nodeImage === undefined ? "kubernetes-version" : "node-image",
      value: requests.nodeImage ?? (requests.kubernetes === undefined ? kubernetes : showRequest(requests.kubernetes)),
      reason: `is Kubernetes ${kubernetes}, whose kubelet refuses to start on cgroup v1, which this host uses`,
      allowed: "1.34 or older on this host, or a kind-config that sets failCgroupV1: false for the kubelets",
      fix: `ask for kubernetes-version 1.34 or older, use a runner with cgroup v2, or write at the top level of kind-config: ${CGROUP_V1_PATCH}`,
    });
  }
  if (semver.lt(kubernetes, OLDEST_KUBERNETES)) {
    problems.push({
      input: requests.nodeImage === undefined ? "kubernetes-version" : "node-image",
      value: requests.nodeImage ?? kubernetes,
      reason: `is Kubernetes ${kubernetes}, which cannot sign a certificate of a chosen lifetime`,
      allowed: "1.22 or newer",
      fix: "ask for a newer Kubernetes",
    });
  }
  const oldestKind = OLDEST_KIND_FOR.find((rule) => semver.gte(kubernetes, rule.kubernetes))?.kind ?? OLDEST_KIND;
  if (semver.lt(release.version, oldestKind)) {
    problems.push({
      input: "kind-version",
      value: release.version,
      reason: `is too old for Kubernetes ${kubernetes} and this Action's configuration`,
      allowed: `${oldestKind} or newer for this Kubernetes`,
      fix: "leave kind-version out, so that the newest fitting release is taken",
    });
  }

  const kubeletProblems = checkKubelets(requests.configuredImages, kubernetes);
  problems.push(...kubeletProblems.problems);
  warnings.push(...kubeletProblems.warnings);

  const kubectl = chooseKubectl(requests.kubectl, kubernetes, catalog);
  if (!kubectl.ok) problems.push(kubectl.problem);
  if (problems.length > 0 || !kubectl.ok) return { ok: false, problems };

  return {
    ok: true,
    versions: {
      kubernetes,
      kind: release.version,
      kubectl: kubectl.version,
      nodeImage,
      loadBalancerImage: release.loadBalancer,
      reasons: { kubernetes: image.reasons.kubernetes, kind: image.reasons.kind, kubectl: kubectl.reason },
      warnings,
    },
  };
}

/** Whether a problem with the choice of an image rests on an input that was rejected. */
function restsOn({ input }: Problem, rejected: ReadonlySet<string>): boolean {
  const others =
    input === "kind-version" ? ["catalog"] : ["kubernetes-version", "node-image", "kind-config", "catalog"];
  return others.some((name) => rejected.has(name));
}

type ImageChoice =
  | {
      readonly ok: true;
      readonly kubernetes: string;
      readonly nodeImage: string;
      readonly release: KindRelease;
      readonly reasons: { readonly kubernetes: string; readonly kind: string };
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function chooseNodeImage(requests: VersionRequests, catalog: Catalog): ImageChoice {
  const release = chooseRelease(requests.kind, catalog);
  if ("problem" in release) return { ok: false, problems: [release.problem] };

  const controlPlaneImages = requests.configuredImages.filter((node) => node.controlPlane).map((node) => node.image);
  const configured = controlPlaneImages.find((image) => image !== undefined);
  const given = requests.nodeImage ?? configured;
  if (given !== undefined) {
    const source = requests.nodeImage === undefined ? "kind-config" : "node-image";
    return chooseForImage(given, source, requests, release.chosen, catalog);
  }

  const wanted = requests.kubernetes ?? { kind: "minor", minor: DEFAULT_KUBERNETES };
  const candidates = release.chosen === undefined ? catalog.kind : [release.chosen];
  const found = newestMatch(candidates, wanted);
  if (found === undefined) return { ok: false, problems: [unknownKubernetes(wanted, release.chosen, catalog)] };
  return {
    ok: true,
    kubernetes: found.image.kubernetes,
    nodeImage: found.image.image,
    release: found.release,
    reasons: {
      kubernetes: kubernetesReason(requests.kubernetes, found.release.version),
      kind:
        release.chosen === undefined
          ? `the newest release whose list has Kubernetes ${showRequest(wanted) === "latest" ? found.image.kubernetes : showRequest(wanted)}`
          : "asked for",
    },
    warnings: [],
  };
}

function chooseForImage(
  image: string,
  source: "node-image" | "kind-config",
  requests: VersionRequests,
  chosen: KindRelease | undefined,
  catalog: Catalog,
): ImageChoice {
  const tagged = versionOfImage(image);
  const asked = requests.kubernetes;
  const kubernetes = tagged ?? (asked?.kind === "exact" ? asked.version : undefined);
  if (kubernetes === undefined) {
    return {
      ok: false,
      problems: [
        {
          input: source,
          value: image,
          reason: "does not tell its Kubernetes version by its tag",
          allowed: "a reference whose tag is a version, such as registry/node:v1.31.9, or one with kubernetes-version",
          fix: "say the image's exact version in kubernetes-version, such as 1.31.9",
        },
      ],
    };
  }
  if (asked !== undefined && asked.kind !== "latest" && !satisfies(kubernetes, asked)) {
    return {
      ok: false,
      problems: [
        {
          input: `kubernetes-version and ${source}`,
          value: showRequest(asked),
          reason: `contradicts the image ${image}, which is Kubernetes ${kubernetes}`,
          allowed: `${minorOf(kubernetes)} or ${kubernetes} with this image`,
          fix: "leave one of the two out",
        },
      ],
    };
  }
  const listing = catalog.kind.find((entry) => entry.images.some((item) => item.kubernetes === kubernetes));
  const release = chosen ?? listing ?? catalog.kind[0];
  if (release === undefined) throw new Error("a catalog lists at least one kind release");
  const inCatalog = release.images.some((item) => item.image === image);
  return {
    ok: true,
    kubernetes,
    nodeImage: image,
    release,
    reasons: {
      kubernetes: `the version of the image given by ${source}`,
      kind:
        chosen !== undefined
          ? "asked for"
          : listing !== undefined
            ? `the newest release whose list has Kubernetes ${kubernetes}`
            : "the newest release, as no list has this Kubernetes",
    },
    warnings: inCatalog
      ? []
      : [
          `${image} is not in the catalog for kind ${release.version}: compatibility with this kind release is not verified.`,
        ],
  };
}

function chooseRelease(
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
      fix: "leave it out, or bring a catalog file that lists the release",
    },
  };
}

function newestMatch(releases: readonly KindRelease[], wanted: VersionRequest) {
  for (const release of releases) {
    const image = release.images
      .filter((item) => satisfies(item.kubernetes, wanted))
      .toSorted((a, b) => semver.rcompare(a.kubernetes, b.kubernetes))[0];
    if (image !== undefined) return { release, image };
  }
  return undefined;
}

function kubernetesReason(asked: VersionRequest | undefined, kind: string): string {
  if (asked === undefined) return `the guide's ${DEFAULT_KUBERNETES}, in kind ${kind}'s newest patch`;
  if (asked.kind === "exact") return "asked for";
  return asked.kind === "latest" ? "the newest in the catalog" : `${asked.minor}, in kind ${kind}'s newest patch`;
}

function unknownKubernetes(wanted: VersionRequest, chosen: KindRelease | undefined, catalog: Catalog): Problem {
  const asked = showRequest(wanted);
  const known = (releases: readonly KindRelease[]) =>
    [...new Set(releases.flatMap((release) => release.images.map((image) => image.kubernetes)))].toSorted(
      semver.rcompare,
    );
  const elsewhere = chosen === undefined ? undefined : newestMatch(catalog.kind, wanted);
  if (chosen !== undefined && elsewhere !== undefined) {
    return {
      input: "kubernetes-version and kind-version",
      value: asked,
      reason: `is not in the list of kind ${chosen.version}`,
      allowed: `with kind ${chosen.version}: ${known([chosen]).join(", ")}; ${asked} with kind ${elsewhere.release.version}`,
      fix: "leave kind-version out, or give the node-image yourself",
    };
  }
  const versions = known(catalog.kind);
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
        ? "ask for a listed version, or give the node-image yourself"
        : `if ${tenfold} was meant, quote it in the workflow ("${tenfold}"): YAML reads an unquoted ${tenfold} as the number ${asked}`,
  };
}

/** The version in an image's tag (`kindest/node:v1.28.15@sha256:...` -> `1.28.15`), where there is one. */
function versionOfImage(image: string): string | undefined {
  // Whatever else follows the version (`v1.31.9-patched`) is its maker's own: kubectl has no such version.
  const tag = /:v?(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?)(?!\d)[^@/]*(?:@|$)/.exec(image)?.[1];
  return tag === undefined ? undefined : (semver.valid(tag) ?? undefined);
}

function checkKubelets(
  nodes: VersionRequests["configuredImages"],
  apiServer: string,
): { readonly problems: readonly Problem[]; readonly warnings: readonly string[] } {
  const range = kubeletRange(apiServer);
  const problems: Problem[] = [];
  const versions = new Set([apiServer]);
  for (const { image } of nodes) {
    const version = image === undefined ? undefined : versionOfImage(image);
    if (image === undefined || version === undefined) continue;
    versions.add(version);
    const newerPatch = minorOf(version) === minorOf(apiServer) && semver.gt(version, apiServer);
    if (isWithin(version, range) && !newerPatch) continue;
    problems.push({
      input: "kind-config",
      value: image,
      reason: `has a kubelet of ${version}, which the skew policy does not allow beside an API server of ${apiServer}`,
      allowed: `kubelets from ${range[0]} up to ${apiServer}`,
      fix: "give that node an image in this range",
    });
  }
  const mixed = [...versions].toSorted(semver.compare);
  return {
    problems,
    warnings:
      mixed.length > 1
        ? [
            `The nodes' images are of several Kubernetes versions (${mixed.join(", ")}): each node joins with its own image's kubeadm, and kubeadm supports less skew than the kubelet does.`,
          ]
        : [],
  };
}

type KubectlChoice =
  | { readonly ok: true; readonly version: string; readonly reason: string }
  | { readonly ok: false; readonly problem: Problem };

function chooseKubectl(request: VersionRequest | undefined, apiServer: string, catalog: Catalog): KubectlChoice {
  if (request === undefined) return { ok: true, version: apiServer, reason: "the cluster's own version" };
  const range = kubectlRange(apiServer);
  // Every node image holds a released kubectl of its version, so the images name versions too; so does the cluster's.
  const known = [
    ...catalog.kubectl.map((release) => release.version),
    ...catalog.kind.flatMap((release) => release.images.map((image) => image.kubernetes)),
    apiServer,
  ];
  const version =
    request.kind === "exact"
      ? request.version
      : known.filter((item) => satisfies(item, request)).toSorted(semver.rcompare)[0];
  const judged = version ?? (request.kind === "minor" ? `${request.minor}.0` : apiServer);
  const allowed = `${range[0]} to ${range[1]} with Kubernetes ${apiServer}`;
  if (!isWithin(judged, range)) {
    return {
      ok: false,
      problem: {
        input: "kubectl-version",
        value: showRequest(request),
        reason: `is kubectl ${version ?? showRequest(request)} with Kubernetes ${apiServer}, more than one minor version apart (the version skew policy)`,
        allowed,
        fix: "leave kubectl-version out to get the cluster's own version",
      },
    };
  }
  if (version === undefined) {
    return {
      ok: false,
      problem: {
        input: "kubectl-version",
        value: showRequest(request),
        reason: "names no patch version, and the catalog knows none for it",
        allowed,
        fix: `say the exact version, such as ${judged}`,
      },
    };
  }
  const asked = request.kind === "minor" ? `${request.minor}, in its newest patch that the catalog knows` : "asked for";
  return { ok: true, version, reason: `${asked}; within one minor of ${apiServer}` };
}

/** Reads a version input: `auto` is "not said"; anything unreadable is a problem. */
export function readVersionInput(
  input: string,
  value: string,
  words: readonly ("auto" | "latest")[],
): VersionRequest | Problem | undefined {
  if (words.includes("auto") && value === "auto") return undefined;
  const request = parseVersionRequest(value);
  if (request !== undefined && (request.kind !== "latest" || words.includes("latest"))) return request;
  return {
    input,
    value,
    reason: "is not a version",
    allowed: [...words, "a minor such as 1.28", "or an exact version such as 1.28.15"].join(", "),
    fix: "write the version in one of these forms, in quotes",
  };
}
