import { normalize } from "node:path/posix";
import { ipAddress } from "../../values/addresses.ts";
import { oneOf } from "../../values/choices.ts";
import { imageReference } from "../../values/images.ts";
import type { Issue, Parsed } from "../../values/issue.ts";
import { clusterName } from "../../values/names.ts";
import { isPrintable } from "../../values/text.ts";
import { checkLabel } from "./labels.ts";
import type { FieldType } from "./scalars.ts";

const TEXT = { type: "text" } as const;
const BOOLEAN = { type: "boolean" } as const;

function exactly(wanted: string) {
  return (text: string): Parsed<string> =>
    text === wanted
      ? { value: text }
      : { issue: { reason: `is not ${wanted}`, allowed: wanted, fix: `write ${wanted}` } };
}

function list<const T extends FieldType>(item: T) {
  return { type: "list", item } as const;
}

const JSON_PATCHES = list({
  type: "object",
  fields: { group: TEXT, version: TEXT, kind: TEXT, patch: TEXT },
});

/** A part of Docker's `--volume=host:container:options`, which colons separate. */
function mountPath(text: string): Parsed<string> {
  if (!text.includes(":")) return { value: text };
  return { issue: mountIssue("contains a colon, which ends the path for Docker") };
}

function containerPath(text: string): Parsed<string> {
  if (!text.startsWith("/")) return { issue: mountIssue("is not an absolute path") };
  if (/^\/+$/.test(normalize(text))) return { issue: mountIssue("is the root of the node") };
  // One of Docker's options at the end works.
  return /^[^:]*:(?:ro|rw|z|Z)$/.test(text) ? { value: text } : mountPath(text);
}

/** Text that kind copies into double quotes in kubeadm's configuration, without escapes. */
function quotable(key: string, value: unknown): Issue | undefined {
  const text = `${key}${value}`.trim();
  if (isPrintable(text) && !/["\\]/.test(text)) return undefined;
  const allowed = "one line without quotes and backslashes";
  return { reason: "cannot be written into kubeadm's configuration", allowed, fix: "remove the other characters" };
}

function mountIssue(reason: string): Issue {
  return { reason, allowed: "a path without a colon; in the node, an absolute one", fix: "write another path" };
}

const MOUNT = {
  containerPath: { type: "text", parse: containerPath },
  hostPath: { type: "text", parse: mountPath },
  readOnly: BOOLEAN,
  selinuxRelabel: BOOLEAN,
  propagation: { type: "text", parse: oneOf(["None", "HostToContainer", "Bidirectional"]) },
} as const;

const PORT_MAPPING = {
  containerPort: { type: "number", min: 1, max: 65535 },
  // With 0 kind chooses the port, with -1 Docker does.
  hostPort: { type: "number", min: -1, max: 65535 },
  listenAddress: { type: "text", parse: ipAddress },
  // kind accepts upper and lower case.
  protocol: { type: "text", parse: (text: string) => oneOf(["TCP", "UDP", "SCTP"])(text.toUpperCase()) },
} as const;

const NODE = {
  role: { type: "text", parse: oneOf(["control-plane", "worker"]) },
  image: { type: "text", parse: imageReference },
  labels: { type: "map", value: TEXT, check: checkLabel },
  extraMounts: list({ type: "object", fields: MOUNT }),
  extraPortMappings: list({ type: "object", fields: PORT_MAPPING }),
  kubeadmConfigPatches: list(TEXT),
  kubeadmConfigPatchesJSON6902: JSON_PATCHES,
} as const;

const NETWORKING = {
  ipFamily: { type: "text", parse: oneOf(["ipv4", "ipv6", "dual"]) },
  apiServerPort: { type: "number", min: -1, max: 65535 },
  apiServerAddress: { type: "text", parse: ipAddress },
  podSubnet: TEXT,
  serviceSubnet: TEXT,
  disableDefaultCNI: BOOLEAN,
  kubeProxyMode: { type: "text", parse: oneOf(["iptables", "ipvs", "nftables", "none"]) },
  dnsSearch: list(TEXT),
} as const;

/**
 * kind's v1alpha4 (pkg/apis/config/v1alpha4/types.go), with the rules of kind (pkg/internal/apis/config/validate.go) and of
 * Docker. An empty name or image counts as left out (kind's default.go).
 */
export const CLUSTER: FieldType = {
  type: "object",
  fields: {
    kind: { type: "text", parse: exactly("Cluster"), filled: true },
    apiVersion: { type: "text", parse: exactly("kind.x-k8s.io/v1alpha4"), filled: true },
    name: { type: "text", parse: clusterName },
    nodes: list({ type: "object", fields: NODE }),
    networking: { type: "object", fields: NETWORKING },
    featureGates: { type: "map", value: BOOLEAN, check: quotable },
    runtimeConfig: { type: "map", value: TEXT, check: quotable },
    kubeadmConfigPatches: list(TEXT),
    kubeadmConfigPatchesJSON6902: JSON_PATCHES,
    containerdConfigPatches: list(TEXT),
    containerdConfigPatchesJSON6902: list(TEXT),
  },
};
