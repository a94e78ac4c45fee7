import semver from "semver";
import type { Problem } from "../errors.ts";
import type { Catalog, KindRelease } from "./catalog.ts";
import { chooseRelease } from "./kind.ts";
import { DEFAULT_KUBERNETES, describeUnlisted, findListedImage } from "./kubernetes.ts";
import { minorOf, satisfies, showRequest, type VersionRequest, type VersionRequests } from "./request.ts";

/** The image of the control planes, which decides the cluster's Kubernetes, with the kind release that runs it. */
export type ImageChoice =
  | {
      readonly ok: true;
      readonly kubernetes: string;
      readonly nodeImage: string;
      readonly release: KindRelease;
      readonly reasons: { readonly kubernetes: string; readonly kind: string };
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problem: Problem };

/** An image that the user gave, and the input that it is from. */
interface GivenImage {
  readonly image: string;
  readonly source: "node-image" | "kind-config";
}

/** Chooses the image that the user gave, or else the one that the catalog lists for the requested Kubernetes. */
export function chooseNodeImage(requests: VersionRequests, catalog: Catalog): ImageChoice {
  const release = chooseRelease(requests.kind, catalog);
  if ("problem" in release) return { ok: false, problem: release.problem };
  const given = findGivenImage(requests);
  return given === undefined
    ? chooseListedImage(requests.kubernetes, release.chosen, catalog)
    : chooseGivenImage(given, requests.kubernetes, release.chosen, catalog);
}

function findGivenImage({ nodeImage, configuredImages }: VersionRequests): GivenImage | undefined {
  if (nodeImage !== undefined) return { image: nodeImage, source: "node-image" };
  const configured = configuredImages.find(({ controlPlane, image }) => controlPlane && image !== undefined)?.image;
  return configured === undefined ? undefined : { image: configured, source: "kind-config" };
}

function chooseListedImage(
  asked: VersionRequest | undefined,
  chosen: KindRelease | undefined,
  catalog: Catalog,
): ImageChoice {
  const wanted = asked ?? { kind: "minor", minor: DEFAULT_KUBERNETES };
  const found = findListedImage(chosen === undefined ? catalog.kind : [chosen], wanted);
  if (found === undefined) return { ok: false, problem: describeUnlisted(wanted, chosen, catalog) };
  const { release, image } = found;
  const listed = wanted.kind === "latest" ? image.kubernetes : showRequest(wanted);
  return {
    ok: true,
    kubernetes: image.kubernetes,
    nodeImage: image.image,
    release,
    reasons: {
      kubernetes: describeListed(asked, release.version),
      kind: chosen === undefined ? `the newest release whose list has Kubernetes ${listed}` : "requested",
    },
    warnings: [],
  };
}

function describeListed(asked: VersionRequest | undefined, kind: string): string {
  if (asked === undefined) return `the guide's ${DEFAULT_KUBERNETES}, in kind ${kind}'s newest patch`;
  if (asked.kind === "exact") return "requested";
  return asked.kind === "latest" ? "the newest in the catalog" : `${asked.minor}, in kind ${kind}'s newest patch`;
}

function chooseGivenImage(
  given: GivenImage,
  asked: VersionRequest | undefined,
  chosen: KindRelease | undefined,
  catalog: Catalog,
): ImageChoice {
  const { image, source } = given;
  const kubernetes = versionOfImage(image) ?? (asked?.kind === "exact" ? asked.version : undefined);
  if (kubernetes === undefined) return { ok: false, problem: describeUnversioned(given) };
  if (asked !== undefined && !satisfies(kubernetes, asked)) {
    return { ok: false, problem: describeContradiction(given, kubernetes, asked) };
  }
  const listing = catalog.kind.find((entry) => entry.images.some((item) => item.kubernetes === kubernetes));
  const release = chosen ?? listing ?? catalog.kind[0];
  if (release === undefined) throw new Error("a catalog lists at least one kind release");
  const automatic =
    listing === undefined
      ? "the newest release, as no list has this Kubernetes"
      : `the newest release whose list has Kubernetes ${kubernetes}`;
  const unlisted = `${image} is not in the catalog for kind ${release.version}: compatibility with this kind release is not verified.`;
  return {
    ok: true,
    kubernetes,
    nodeImage: image,
    release,
    reasons: {
      kubernetes: `the version of the image given by ${source}`,
      kind: chosen === undefined ? automatic : "requested",
    },
    warnings: release.images.some((item) => item.image === image) ? [] : [unlisted],
  };
}

function describeUnversioned({ image, source }: GivenImage): Problem {
  return {
    input: source,
    value: image,
    reason: "has no tag that names its Kubernetes version",
    allowed:
      "a reference whose tag is a version, such as registry/node:v1.31.9, or any reference with an exact kubernetes-version",
    fix: "set kubernetes-version to the image's exact version, such as 1.31.9",
  };
}

function describeContradiction({ image, source }: GivenImage, kubernetes: string, asked: VersionRequest): Problem {
  return {
    input: `kubernetes-version and ${source}`,
    value: showRequest(asked),
    reason: `contradicts the image ${image}, which is Kubernetes ${kubernetes}`,
    allowed: `${minorOf(kubernetes)} or ${kubernetes} with this image`,
    fix: "remove one of the two",
  };
}

/** The version in an image's tag (`kindest/node:v1.28.15@sha256:...` -> `1.28.15`), where there is one. */
export function versionOfImage(image: string): string | undefined {
  // Anything after the version (`v1.31.9-patched`) is specific to that image: kubectl has no such version.
  const tag = /:v?(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?)(?!\d)[^@/]*(?:@|$)/.exec(image)?.[1];
  return tag === undefined ? undefined : (semver.valid(tag) ?? undefined);
}
