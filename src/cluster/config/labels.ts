import type { Issue } from "../../values/issue.ts";

/** Kubernetes' rules for a label's parts (apimachinery's validation.IsQualifiedName and IsValidLabelValue). */
const NAME = /^(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)$/;
const PREFIX = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** The labels of Kubernetes' own that a kubelet may set (k8s.io/kubelet, pkg/apis/well_known_labels.go). */
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
 * What is wrong with a label of a node. kind hands labels to the kubelet, which does not start with one that it refuses
 * (ValidateKubeletFlags in cmd/kubelet/app/options).
 */
export function checkLabel(written: string, value: unknown): Issue | undefined {
  // The kubelet takes blanks away at both ends.
  const key = written.trim();
  const text = typeof value === "string" ? value.trim() : "";
  const parts = key.split("/");
  const [name = "", prefix] = parts.toReversed();
  if (parts.length > 2 || name.length > 63 || !NAME.test(name)) {
    return {
      reason: "is not a key of a label",
      allowed:
        "a name of 1 to 63 letters, digits, - _ and . (letter or digit at both ends), with or without a DNS name and / before it",
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
      reason: "is a label of Kubernetes' own that a kubelet may not set",
      allowed:
        "labels outside of kubernetes.io and k8s.io, those of node.kubernetes.io and kubelet.kubernetes.io, and those of zone, region, hostname, os, arch and instance type",
      fix: `leave it out, and run kubectl label node NAME ${key}=${text} after this step`,
    };
  }
  if (text.length > 63 || !(text === "" || NAME.test(text))) {
    return {
      reason: `is a label whose value is not allowed (${text.length} characters)`,
      allowed: "up to 63 letters, digits, - _ and ., with a letter or digit at both ends",
      fix: "choose a shorter or plainer value, or use an annotation",
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
