import type { Parsed } from "./issue.ts";
import { isPrintable } from "./text.ts";

/**
 * A cluster's name: kind's rule (validNameRE in its pkg/internal/apis/config/validate.go), without the names that give
 * nodes names which Docker or Kubernetes refuse (`-a`, `a..b`).
 */
export function clusterName(text: string): Parsed<string> {
  const isName = /^[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9]))*$/.test(text) && !text.includes("-.");
  if (text.length <= 63 && isName) return { value: text };
  return {
    issue: {
      reason: "cannot be a cluster's name",
      allowed: "1 to 63 lower-case letters, digits, hyphens and dots, with a letter or digit first and around each dot",
      fix: "choose a name such as bologna",
    },
  };
}

/** A name that is the common name of a certificate, part of file names, and a Kubernetes user. */
export function userName(text: string): Parsed<string> {
  if (text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(text))
    return { value: text };
  return {
    issue: {
      reason: "cannot be a user's name",
      allowed:
        "1 to 63 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends and around each dot",
      fix: "choose a name such as torch",
    },
  };
}

/** A name that an artifact may have (the artifact service's own rule). */
export function artifactName(text: string): Parsed<string> {
  if (text.length <= 200 && !/["<>|*?\r\n\\/:]/.test(text) && isPrintable(text)) return { value: text };
  return {
    issue: {
      reason: "cannot be an artifact's name",
      allowed: 'up to 200 characters, none of " : < > | * ? \\ / or a line break',
      fix: "choose a simpler name",
    },
  };
}

/** A group of the certificate: an organization of its subject, and no group that the API server refuses. */
export function groupName(text: string): Parsed<string> {
  if (text === "system:masters") {
    return {
      issue: {
        reason: "is refused by the API server's admission (CertificateSubjectRestriction)",
        allowed: "any other group",
        fix: "use rbac: cluster-admin, which gives the same rights",
      },
    };
  }
  if (/^[\x21-\x7e]{1,64}$/.test(text)) return { value: text };
  return {
    issue: {
      reason: "cannot be a group",
      allowed: "1 to 64 printable characters without spaces (X.509's bound for an organization)",
      fix: "choose a shorter, simpler name",
    },
  };
}
