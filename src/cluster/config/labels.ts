import type { Issue } from "../../values/issue.ts";

/** Kubernetes' rules for the parts of a label (apimachinery's validation.IsQualifiedName and IsValidLabelValue). */
const NAME = /^(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)$/;
const PREFIX = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** The reserved labels that a kubelet may set (k8s.io/kubelet, pkg/apis/well_known_labels.go). */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  ...["hostname", "os", "arch"].map((name) => `kubernetes.io/${name}`),
  ...["os", "arch", "instance-type"].map((name) => `beta.kubernetes.io/${name}`),
  ...["zone", "region"].flatMap((name) => [
    `topology.kubernetes.io/${name}`,
    `failure-domain.beta.kubernetes.io/${name}`,
  ]),
  "node.kubernetes.io/instance-type",
]);

/**
 * Checks a node's label. kind passes labels to the kubelet, which does not start with one that it rejects
 * (ValidateKubeletFlags in cmd/kubelet/app/options).
 */
export function checkLabel(written: string, value: unknown): Issue | undefined {
  // The kubelet trims both.
  const key = written.trim();
  const text = typeof value === "string" ? value.trim() : "";
  const parts = key.split("/");
  const [name = "", prefix] = parts.toReversed();
  if (parts.length > 2 || name.length > 63 || !NAME.test(name)) {
    return {
      reason: "is not a label key",
      allowed: "1 to 63 letters, digits, - _ and . (letter or digit at both ends), optionally after a DNS name and /",
      fix: "choose a key such as example.com/disk",
    };
  }
  if (prefix !== undefined && (prefix.length > 253 || !PREFIX.test(prefix))) {
    return {
      reason: "has a part before the / that is not a DNS name",
      allowed: "a DNS name in lower case, such as example.com",
      fix: "choose a key such as example.com/disk",
    };
  }
  if (prefix !== undefined && isReserved(prefix) && !mayBeSet(key, prefix)) {
    return {
      reason: "is a label that Kubernetes reserves and a kubelet may not set",
      allowed:
        "labels outside of kubernetes.io and k8s.io, those of node.kubernetes.io and kubelet.kubernetes.io, and those of zone, region, hostname, os, arch and instance type",
      fix: `remove it, and run kubectl label node NAME ${key}=${text} after this step`,
    };
  }
  if (text.length > 63 || !(text === "" || NAME.test(text))) {
    return {
      reason: `is a label with an invalid value (${text.length} characters)`,
      allowed: "up to 63 letters, digits, - _ and ., with a letter or digit at both ends",
      fix: "choose a shorter or simpler value, or use an annotation",
    };
  }
  return undefined;
}

function isReserved(prefix: string): boolean {
  return ["kubernetes.io", "k8s.io"].some((zone) => prefix === zone || prefix.endsWith(`.${zone}`));
}

function mayBeSet(key: string, prefix: string): boolean {
  const own = ["kubelet.kubernetes.io", "node.kubernetes.io"];
  return KUBELET_LABELS.has(key) || own.some((zone) => prefix === zone || prefix.endsWith(`.${zone}`));
}
