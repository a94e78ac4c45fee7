import semver from "semver";
import type { Problem } from "../errors.ts";

/** What was requested: the newest version, the newest patch of a minor, or one version. */
export type VersionRequest =
  | { readonly kind: "latest" }
  | { readonly kind: "minor"; readonly minor: string }
  | { readonly kind: "exact"; readonly version: string };

/** What the user requested about versions; `undefined` where nothing was. */
export interface VersionRequests {
  readonly kubernetes: VersionRequest | undefined;
  readonly kind: VersionRequest | undefined;
  readonly kubectl: VersionRequest | undefined;
  readonly nodeImage: string | undefined;
  /** The images that the user's kind configuration gives its nodes; `undefined` where it gives none. */
  readonly configuredImages: readonly ConfiguredImage[];
  /** What the user's kind configuration sets failCgroupV1 of the kubelets to. */
  readonly failCgroupV1?: boolean | undefined;
}

/** A node of the user's kind configuration, with its image. */
export interface ConfiguredImage {
  readonly controlPlane: boolean;
  readonly image: string | undefined;
}

/** Reads `latest`, `1.28` or `1.28.15` (a leading `v` is allowed); anything else is `undefined`. */
export function parseVersionRequest(text: string): VersionRequest | undefined {
  if (text === "latest") return { kind: "latest" };
  const bare = text.replace(/^v/, "");
  if (/^(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.test(bare)) return { kind: "minor", minor: bare };
  const version = /^\d/.test(bare) ? semver.valid(bare) : null;
  return version === null ? undefined : { kind: "exact", version };
}

/** Reads a version input; `auto` requests nothing, and anything that cannot be read is a problem. */
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

/** Whether a version is what was requested; every version is `latest`. */
export function satisfies(version: string, request: VersionRequest): boolean {
  switch (request.kind) {
    case "latest":
      return true;
    case "minor":
      return minorOf(version) === request.minor;
    case "exact":
      return version === request.version;
  }
}

/** `1.28.15` -> `1.28`. */
export function minorOf(version: string): string {
  return `${semver.major(version)}.${semver.minor(version)}`;
}

/** A request as a person would write it. */
export function showRequest(request: VersionRequest): string {
  switch (request.kind) {
    case "latest":
      return "latest";
    case "minor":
      return request.minor;
    case "exact":
      return request.version;
  }
}
