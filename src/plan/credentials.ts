import type { Problem } from "../errors.ts";

/** Credential files that exist already: they are never overwritten. */
export function checkPresentFiles(paths: readonly string[], directory: string | undefined): readonly Problem[] {
  return paths.map((path) => ({
    input: "credentials-directory",
    value: directory ?? "",
    reason: `already contains ${path}, which is not overwritten`,
    allowed: "a directory without these files",
    fix: "choose another directory, or remove the file in an earlier step",
  }));
}

/** Addresses in the certificate that no client connects to. */
export function checkSans(extraSans: readonly string[]): readonly Problem[] {
  return extraSans
    .filter((name) => name === "0.0.0.0" || name === "::")
    .map((unspecified) => ({
      input: "extra-sans",
      value: unspecified,
      reason: "is an address to listen on, not one to connect to",
      allowed: "names and addresses that clients use",
      fix: "use api-server-address: 0.0.0.0 to listen everywhere, and name the host in extra-sans",
    }));
}
