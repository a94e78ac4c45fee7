import type { Problem } from "../errors.ts";
import type { Catalog } from "./catalog.ts";
import { checkKind } from "./kind.ts";
import { chooseKubectl } from "./kubectl.ts";
import { checkKubelets } from "./kubelets.ts";
import { checkKubernetes } from "./kubernetes.ts";
import { chooseNodeImage } from "./node-image.ts";
import type { VersionRequests } from "./request.ts";

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

/** Either the versions, or everything that is wrong with what was requested. */
export type Resolution =
  | { readonly ok: true; readonly versions: Versions }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Chooses kind, the node image and kubectl: `auto` kind is the newest release whose list has the wanted Kubernetes,
 * `auto` kubectl is the cluster's own version, and every explicit version must satisfy the version skew policy.
 * @param cgroupVersion the host's, where it is known: Kubernetes 1.35 and later need version 2, or failCgroupV1: false.
 * @param rejected the inputs whose values were rejected: no problem is reported that follows from their defaults.
 */
export function resolveVersions(
  requests: VersionRequests,
  catalog: Catalog,
  cgroupVersion: 1 | 2 | undefined,
  rejected: ReadonlySet<string> = new Set(),
): Resolution {
  const image = chooseNodeImage(requests, catalog);
  if (!image.ok) return { ok: false, problems: dependsOn(image.problem, rejected) ? [] : [image.problem] };
  if (isKubernetesUnknown(requests, rejected)) return { ok: false, problems: [] };

  const { kubernetes, release } = image;
  const kubelets = checkKubelets(requests.configuredImages, kubernetes);
  const kubectl = chooseKubectl(requests.kubectl, kubernetes, catalog);
  const problems = [
    ...checkKubernetes(kubernetes, requests, cgroupVersion),
    ...checkKind(release.version, kubernetes),
    ...kubelets.problems,
    ...(kubectl.ok ? [] : [kubectl.problem]),
  ];
  if (problems.length > 0 || !kubectl.ok) return { ok: false, problems };
  return {
    ok: true,
    versions: {
      kubernetes,
      kind: release.version,
      kubectl: kubectl.version,
      nodeImage: image.nodeImage,
      loadBalancerImage: release.loadBalancer,
      reasons: { ...image.reasons, kubectl: kubectl.reason },
      warnings: [...image.warnings, ...kubelets.warnings],
    },
  };
}

/** The inputs that decide the cluster's Kubernetes, whatever kind release it is. */
const KUBERNETES_INPUTS = ["kubernetes-version", "node-image", "kind-config", "catalog"];

/** Whether a problem with the choice of an image follows from an input that was rejected. */
function dependsOn({ input }: Problem, rejected: ReadonlySet<string>): boolean {
  return (input === "kind-version" ? ["catalog"] : KUBERNETES_INPUTS).some((name) => rejected.has(name));
}

/** Whether the cluster's Kubernetes depends on a rejected input: then no problem with that version can be reported. */
function isKubernetesUnknown({ kubernetes, nodeImage }: VersionRequests, rejected: ReadonlySet<string>): boolean {
  if (KUBERNETES_INPUTS.some((name) => rejected.has(name))) return true;
  return rejected.has("kind-version") && kubernetes?.kind !== "exact" && nodeImage === undefined;
}
