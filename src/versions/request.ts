import semver from "semver";

/** What was asked for: the newest, the newest patch of a minor, or one version. */
export type VersionRequest =
  | { readonly kind: "latest" }
  | { readonly kind: "minor"; readonly minor: string }
  | { readonly kind: "exact"; readonly version: string };

/** Reads `latest`, `1.28` or `1.28.15` (a leading `v` is allowed); anything else is `undefined`. */
export function parseVersionRequest(text: string): VersionRequest | undefined {
  if (text === "latest") return { kind: "latest" };
  const bare = text.replace(/^v/, "");
  if (/^(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.test(bare)) return { kind: "minor", minor: bare };
  const version = /^\d/.test(bare) ? semver.valid(bare) : null;
  return version === null ? undefined : { kind: "exact", version };
}

/** Whether a version is what was asked for; `latest` takes any. */
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
