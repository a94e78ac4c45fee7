import { isIP } from "node:net";
import { type Document, isMap, type LineCounter } from "yaml";
import type { Problem } from "../failure.ts";
import { dnsLabel, imageReference } from "../inputs/values.ts";
import { describeYamlIssue, readYamlText, YAML_LIMITS } from "../inputs/yaml.ts";

/** A kind configuration as data: what we read is checked, what we do not know is handed on untouched. */
export type KindConfiguration = Readonly<Record<string, unknown>>;

/** The user's kind configuration, read and checked, with what the rest of the plan asks of it. */
export interface UserConfiguration {
  readonly source: string;
  readonly document: KindConfiguration;
  readonly name: string | undefined;
  readonly nodes: readonly KindConfiguration[];
  readonly networking: KindConfiguration;
}

/** The input that brings it, as problems name it. */
export const CONFIGURATION_INPUT = "kind-config";
const ALLOWED = "one kind configuration (kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4)";
const MAX_BYTES = 100_000;
/** More errors than these in one text say nothing new. */
const MAX_ERRORS = 10;

/**
 * Reads a kind configuration of the user's.
 * @param source what to call it in messages: a path, or "inline".
 */
export function parseKindConfiguration(
  text: string,
  source: string,
): { readonly configuration: UserConfiguration } | { readonly problems: readonly Problem[] } {
  const problem = (reason: string, fix: string): Problem => ({
    input: CONFIGURATION_INPUT,
    value: source,
    reason,
    allowed: ALLOWED,
    fix,
  });
  const read = readYamlText(text, { uniqueKeys: true, maxBytes: MAX_BYTES });
  if ("issues" in read) {
    return {
      problems: read.issues
        .slice(0, MAX_ERRORS)
        .map((issue) => problem(describeYamlIssue(issue), YAML_FIXES[issue.kind])),
    };
  }
  const { document: parsed, lines, value: document } = read;
  const problems: Problem[] = [];
  const wrong = (path: readonly (string | number)[], reason: string, fix: string) =>
    problems.push(problem(`${whereIs(parsed, lines, path)}${path.join(".") || "the document"} ${reason}`, fix));

  if (!isRecord(document)) {
    wrong([], "is not a mapping", "start with kind: Cluster");
    return { problems };
  }
  if (document.kind !== "Cluster") wrong(["kind"], "is not Cluster", "write kind: Cluster");
  if (document.apiVersion !== "kind.x-k8s.io/v1alpha4") {
    wrong(["apiVersion"], "is not kind.x-k8s.io/v1alpha4", "write apiVersion: kind.x-k8s.io/v1alpha4");
  }
  if (document.name !== undefined && !(typeof document.name === "string" && "value" in dnsLabel(document.name))) {
    wrong(["name"], "is not a DNS label", "write 1 to 63 lower-case letters, digits and hyphens, in quotes");
  }
  checkKeys([], document, KEYS.cluster, wrong);
  checkKeys(["networking"], document.networking, KEYS.networking, wrong);
  for (const [index, node] of Array.isArray(document.nodes) ? document.nodes.entries() : []) {
    checkKeys(["nodes", index], node, KEYS.node, wrong);
    for (const [field, keys] of [
      ["extraMounts", KEYS.mount],
      ["extraPortMappings", KEYS.portMapping],
    ] as const) {
      const items: unknown = isRecord(node) ? (node[field] ?? []) : [];
      if (!Array.isArray(items)) wrong(["nodes", index, field], "is not a list", "write its items below it");
      for (const [position, item] of Array.isArray(items) ? items.entries() : []) {
        if (!isRecord(item)) wrong(["nodes", index, field, position], "is not a mapping", "write its fields below it");
        checkKeys(["nodes", index, field, position], item, keys, wrong);
      }
    }
  }
  const networking = document.networking ?? {};
  if (!isRecord(networking)) wrong(["networking"], "is not a mapping", "write its fields below it");
  for (const field of isRecord(networking) ? ["podSubnet", "serviceSubnet"] : []) {
    const value = isRecord(networking) ? (networking[field] ?? "") : "";
    const subnets = typeof value === "string" ? value.split(",") : [value];
    if (value !== "" && !subnets.every(isSubnet)) {
      wrong(["networking", field], "is not a subnet", "write a subnet such as 10.244.0.0/16, in quotes");
    }
  }
  for (const [field, choices] of isRecord(networking) ? Object.entries(NETWORKING_CHOICES) : []) {
    const value = isRecord(networking) ? (networking[field] ?? "") : "";
    if (value !== "" && !choices.some((choice) => choice === value)) {
      wrong(["networking", field], "is not one of the choices", `write one of ${choices.join(", ")}`);
    }
  }
  if (isRecord(networking)) {
    const address = networking.apiServerAddress ?? "";
    if (address !== "" && !(typeof address === "string" && isIP(address) !== 0)) {
      wrong(["networking", "apiServerAddress"], "is not an IP address", "write an address in quotes");
    }
    if (typeof (networking.disableDefaultCNI ?? false) !== "boolean") {
      wrong(["networking", "disableDefaultCNI"], "is not a boolean", "write true or false");
    }
  }
  const nodes = document.nodes ?? [];
  if (!Array.isArray(nodes) || !nodes.every(isRecord)) wrong(["nodes"], "is not a list of nodes", "write - role: ...");
  for (const [index, node] of Array.isArray(nodes) ? nodes.entries() : []) {
    if (!isRecord(node)) continue;
    const role = node.role ?? "control-plane";
    if (role !== "control-plane" && role !== "worker") {
      wrong(["nodes", index, "role"], "is neither control-plane nor worker", "write one of the two");
    }
    if (node.image !== undefined && !(typeof node.image === "string" && "value" in imageReference(node.image))) {
      wrong(["nodes", index, "image"], "is not a full image reference", "write the image with its tag or digest");
    }
    checkPatches(["nodes", index, "kubeadmConfigPatches"], node.kubeadmConfigPatches, wrong);
  }
  checkPatches(["kubeadmConfigPatches"], document.kubeadmConfigPatches, wrong);
  if (problems.length > 0 || !isRecord(networking) || !Array.isArray(nodes)) return { problems };
  return {
    configuration: {
      source,
      document,
      name: typeof document.name === "string" ? document.name : undefined,
      nodes: nodes.filter(isRecord),
      networking,
    },
  };
}

const YAML_FIXES = {
  syntax: "fix the YAML there",
  limit: "write a configuration by hand",
  expansion: `use at most ${YAML_LIMITS.expansions} aliases of an anchor, each after its anchor and outside it`,
} as const;

/** The fields of kind's v1alpha4; kind itself refuses any other, but only when it is run. */
const KEYS = {
  cluster: [
    ...["kind", "apiVersion", "name", "nodes", "networking", "featureGates", "runtimeConfig"],
    ...["kubeadmConfigPatches", "kubeadmConfigPatchesJSON6902"],
    ...["containerdConfigPatches", "containerdConfigPatchesJSON6902"],
  ],
  networking: [
    ...["ipFamily", "apiServerPort", "apiServerAddress", "podSubnet", "serviceSubnet"],
    ...["disableDefaultCNI", "kubeProxyMode", "dnsSearch"],
  ],
  node: [
    ...["role", "image", "labels", "extraMounts", "extraPortMappings"],
    ...["kubeadmConfigPatches", "kubeadmConfigPatchesJSON6902"],
  ],
  mount: ["containerPath", "hostPath", "readOnly", "selinuxRelabel", "propagation"],
  portMapping: ["containerPort", "hostPort", "listenAddress", "protocol"],
} as const;

const NETWORKING_CHOICES: Readonly<Record<string, readonly string[]>> = {
  ipFamily: ["ipv4", "ipv6", "dual"],
  kubeProxyMode: ["iptables", "ipvs", "nftables", "none"],
};

function isSubnet(value: unknown): boolean {
  const [address = "", prefix = "", ...rest] = typeof value === "string" ? value.trim().split("/") : [];
  return isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && rest.length === 0;
}

function checkKeys(path: readonly (string | number)[], value: unknown, keys: readonly string[], wrong: Wrong): void {
  if (!isRecord(value)) return;
  for (const key of Object.keys(value).filter((each) => !keys.includes(each))) {
    wrong([...path, key], "is not a field that kind knows there", `write one of ${keys.join(", ")}`);
  }
}

type Wrong = (path: readonly (string | number)[], reason: string, fix: string) => void;

/** kubeadm's patches are texts, and each is YAML that can be read and expanded. */
function checkPatches(path: readonly (string | number)[], patches: unknown, wrong: Wrong): void {
  if (!isPatchList(patches)) {
    wrong(path, "is not a list of texts", "write each patch as a block text");
    return;
  }
  for (const [index, patch] of patchesOf(patches).entries()) {
    try {
      for (const document of splitDocuments(patch)) readPatch(document);
    } catch (error) {
      wrong([...path, index], `cannot be read: ${error instanceof Error ? error.message : error}`, "mend the patch");
    }
  }
}

/** The documents of a patch: kind takes several in one text. */
export function splitDocuments(patch: string): readonly string[] {
  return patch.split(/\n---/);
}

/** One patch as data. @throws where it is not YAML, or a bomb. */
export function readPatch(patch: string): unknown {
  const read = readYamlText(patch, { uniqueKeys: true, maxBytes: MAX_BYTES });
  if ("value" in read) return read.value;
  const [issue] = read.issues;
  throw new Error(issue === undefined ? "is not YAML" : describeYamlIssue(issue));
}

/** Whether a value is a mapping. */
export function isRecord(value: unknown): value is KindConfiguration {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list, or none. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isPatchList(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === "string"));
}

/** The kubeadm patches that a field holds. */
export function patchesOf(value: unknown): readonly string[] {
  return asList(value).filter((item) => typeof item === "string");
}

/** `line 3, column 5: ` of the value at a path, or of the nearest parent that is there. */
function whereIs(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): string {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
    const start: unknown = Array.isArray(range) ? range[0] : undefined;
    if (typeof start === "number") {
      const { line, col } = lines.linePos(start);
      return `line ${line}, column ${col}: `;
    }
  }
  return isMap(document.contents) ? "" : "line 1, column 1: ";
}
