import { isIP } from "node:net";
import { type Document, isMap, LineCounter, parseDocument } from "yaml";
import type { Problem } from "../failure.ts";
import type { DnsMode, Inputs } from "../runner/inputs.ts";
import { dnsLabel, imageReference } from "../values.ts";
import type { Versions } from "../versions/resolve.ts";
import { type Acceleration, accelerationPatch } from "./acceleration.ts";
import { type ClusterNode, loadBalancerName, nameNodes } from "./names.ts";

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

/** Where a node's ownership mount is seen inside the node. */
export const OWNER_MOUNT = "/kind-torch/owner";
/** Where a resolv.conf of the run's is seen inside the node. */
export const RESOLV_CONF_MOUNT = "/kind-torch/resolv.conf";

/** kind's defaults for IPv4. */
const POD_SUBNET = "10.244.0.0/16";
const SERVICE_SUBNET = "10.96.0.0/16";

const INPUT = "kind-config";
const ALLOWED = "one kind configuration (kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4)";
/** Aliases beyond this number are a YAML bomb, not a configuration. */
const MAX_ALIASES = 100;
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
    input: INPUT,
    value: source,
    reason,
    allowed: ALLOWED,
    fix,
  });
  if (text.length > MAX_BYTES) return { problems: [problem("is larger than 100 kB", "write a configuration by hand")] };

  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  if (parsed.errors.length > 0) {
    return {
      problems: parsed.errors.slice(0, MAX_ERRORS).map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return problem(`is not YAML: line ${line}, column ${col}: ${error.message}`, "mend the YAML at that place");
      }),
    };
  }
  let document: unknown;
  try {
    document = parsed.toJS({ maxAliasCount: MAX_ALIASES });
    // What holds itself cannot be written down for kind.
    JSON.stringify(document);
  } catch (error) {
    return {
      problems: [
        problem(
          `cannot be expanded: ${error instanceof Error ? error.message : error}`,
          `use at most ${MAX_ALIASES} aliases, each after its anchor and outside it`,
        ),
      ],
    };
  }
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
  const networking = document.networking ?? {};
  if (!isRecord(networking)) wrong(["networking"], "is not a mapping", "write its fields below it");
  for (const field of isRecord(networking) ? ["podSubnet", "serviceSubnet"] : []) {
    const value = isRecord(networking) ? (networking[field] ?? "") : "";
    if (typeof value !== "string") wrong(["networking", field], "is not a text", "write a subnet in quotes");
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
    if (node.extraMounts !== undefined && node.extraMounts !== null && !Array.isArray(node.extraMounts)) {
      wrong(["nodes", index, "extraMounts"], "is not a list", "write - hostPath: ...");
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

function splitDocuments(patch: string): readonly string[] {
  return patch.split(/\n---/);
}

/** @throws where it is not YAML, or a bomb. */
function readPatch(patch: string): unknown {
  const parsed = parseDocument(patch, { merge: true });
  const [error] = parsed.errors;
  if (error !== undefined) throw error;
  return parsed.toJS({ maxAliasCount: MAX_ALIASES });
}

/** What the cluster is to be: the inputs and the user's configuration, made one. */
export interface ClusterShape {
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  readonly dns: DnsMode;
  readonly apiServerAddress: string;
  readonly extraSans: readonly string[];
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  /** False where the user brings a network plugin: no node gets Ready before it is installed. */
  readonly defaultCni: boolean;
  readonly problems: readonly Problem[];
}

/** Makes one shape of the inputs and the user's configuration; what contradicts is a problem that names both. */
export function planShape(
  inputs: Pick<
    Inputs,
    "clusterName" | "controlPlanes" | "workers" | "dns" | "apiServerAddress" | "extraSans" | "nodeImage"
  >,
  user: UserConfiguration | undefined,
): ClusterShape {
  const problems: Problem[] = [];
  const contradiction = (input: string, value: string, theirs: string) =>
    problems.push({
      input: `${input} and ${INPUT}`,
      value,
      reason: `contradicts ${INPUT} (${user?.source}), which has ${theirs}`,
      allowed: "the same in both, or one of the two",
      fix: `leave ${input} out, or take it out of the kind configuration`,
    });

  if (inputs.clusterName !== undefined && user?.name !== undefined && inputs.clusterName !== user.name) {
    contradiction("cluster-name", inputs.clusterName, `name: ${user.name}`);
  }
  const name = inputs.clusterName ?? user?.name ?? "bologna";

  const configured = user === undefined ? [] : user.nodes.map(roleOf);
  const counted = (role: ClusterNode["role"]) => configured.filter((item) => item === role).length;
  if (configured.length > 0) {
    const pairs = [
      ["control-planes", inputs.controlPlanes, "control-plane"],
      ["workers", inputs.workers, "worker"],
    ] as const;
    for (const [input, wanted, role] of pairs) {
      if (wanted !== undefined && wanted !== counted(role)) {
        contradiction(input, String(wanted), `${counted(role)} node(s) of role ${role}`);
      }
    }
    if (counted("control-plane") === 0) {
      problems.push({
        input: INPUT,
        value: user?.source ?? "",
        reason: "has no control-plane node",
        allowed: "at least one node of role control-plane",
        fix: "add - role: control-plane",
      });
    }
  }
  const roles =
    configured.length > 0
      ? configured
      : [
          ...Array<ClusterNode["role"]>(inputs.controlPlanes ?? 1).fill("control-plane"),
          ...Array<ClusterNode["role"]>(inputs.workers ?? 1).fill("worker"),
        ];
  const nodes = nameNodes(name, roles);
  const several = nodes.filter((node) => node.role === "control-plane").length > 1;
  const hostnames = [...nodes.map((node) => node.name), ...(several ? [loadBalancerName(name)] : [])];
  const longest = hostnames.toSorted((a, b) => b.length - a.length)[0] ?? name;
  if (longest.length > 63) {
    const room = 63 - (longest.length - name.length);
    problems.push({
      input: "cluster-name",
      value: name,
      reason: `is too long: the node ${longest} would have a hostname of ${longest.length} characters`,
      allowed: `at most ${room} characters with these nodes, as a hostname has at most 63`,
      fix: "choose a shorter name",
    });
  }

  if (inputs.nodeImage !== undefined) {
    for (const node of user?.nodes ?? []) {
      if (typeof node.image === "string" && node.image !== inputs.nodeImage) {
        contradiction("node-image", inputs.nodeImage, `image: ${node.image}`);
      }
    }
  }
  const theirAddress = textOr(user?.networking.apiServerAddress, undefined);
  if (inputs.apiServerAddress !== undefined && theirAddress !== undefined && theirAddress !== inputs.apiServerAddress) {
    contradiction("api-server-address", inputs.apiServerAddress, `networking.apiServerAddress: ${theirAddress}`);
  }
  const theirSearch = user?.networking.dnsSearch ?? undefined;
  if (inputs.dns !== undefined && theirSearch !== undefined) {
    const shown = inputs.dns.kind === "resolv-conf" ? inputs.dns.path : inputs.dns.kind;
    contradiction("dns", shown, `networking.dnsSearch: ${JSON.stringify(theirSearch)}`);
  }
  return {
    name,
    nodes,
    dns: inputs.dns ?? (theirSearch === undefined ? { kind: "no-search-domains" } : { kind: "inherit" }),
    apiServerAddress: inputs.apiServerAddress ?? theirAddress ?? (ipv6Only(user?.networking) ? "::1" : "127.0.0.1"),
    extraSans: inputs.extraSans,
    podSubnet: textOr(user?.networking.podSubnet, POD_SUBNET),
    serviceSubnet: textOr(user?.networking.serviceSubnet, SERVICE_SUBNET),
    defaultCni: user?.networking.disableDefaultCNI !== true,
    problems,
  };
}

/** What a run adds to the configuration on its own account. */
export interface RunMounts {
  /** A folder that is this run's alone: the mount that proves whose the node is. */
  readonly owner: string;
  /** The resolv.conf that the kubelets are to hand to pods, where one was asked for. */
  readonly resolvConf: string | undefined;
}

/** The configuration that kind gets: the user's, with what the plan adds. JSON is YAML, so no writer is needed. */
export function renderKindConfiguration(
  shape: ClusterShape,
  versions: Versions,
  user: UserConfiguration | undefined,
  mounts: RunMounts,
  acceleration: Acceleration | undefined,
): string {
  const extraMounts = [
    { hostPath: mounts.owner, containerPath: OWNER_MOUNT, readOnly: true },
    ...(mounts.resolvConf === undefined
      ? []
      : [{ hostPath: mounts.resolvConf, containerPath: RESOLV_CONF_MOUNT, readOnly: true }]),
  ];
  const bare: readonly KindConfiguration[] = shape.nodes.map((node) => ({ role: node.role }));
  const theirs = user !== undefined && user.nodes.length > 0 ? user.nodes : bare;
  const sans = planSans(shape, user);
  const nodes = theirs.map((node) => ({
    ...node,
    image: node.image ?? versions.nodeImage,
    extraMounts: [...asList(node.extraMounts), ...extraMounts],
    // A node's own patches come after the cluster's, and a list in a patch replaces: ours must come last there too.
    ...(sans !== undefined && replacesSans(node.kubeadmConfigPatches)
      ? { kubeadmConfigPatches: [...patchesOf(node.kubeadmConfigPatches), sans] }
      : {}),
  }));
  return JSON.stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    ...user?.document,
    name: shape.name,
    networking: {
      ...user?.networking,
      apiServerAddress: shape.apiServerAddress,
      ...(shape.dns.kind === "inherit" ? {} : { dnsSearch: [] }),
    },
    kubeadmConfigPatches: [
      ...(acceleration === undefined ? [] : [accelerationPatch(acceleration)]),
      ...ownPatches(mounts),
      ...patchesOf(user?.document.kubeadmConfigPatches),
      ...(sans === undefined ? [] : [sans]),
    ],
    nodes,
  });
}

/** Patches of ours that a user's may override: they come first. */
function ownPatches(mounts: RunMounts): readonly string[] {
  return mounts.resolvConf === undefined
    ? []
    : [JSON.stringify({ kind: "KubeletConfiguration", resolvConf: RESOLV_CONF_MOUNT })];
}

/**
 * The patch with the API server's names: kind's own two, the user's patches' and `extra-sans`, for a list in a
 * kubeadm patch replaces the one before. `undefined` where nothing is added to kind's own.
 */
function planSans(shape: ClusterShape, user: UserConfiguration | undefined): string | undefined {
  const theirs = [
    ...certSansIn(user?.document.kubeadmConfigPatches),
    ...(user?.nodes ?? []).flatMap((node) => certSansIn(node.kubeadmConfigPatches)),
  ];
  const everyAddress = shape.apiServerAddress === "0.0.0.0" || shape.apiServerAddress === "::";
  const loopback = everyAddress ? [shape.apiServerAddress === "::" ? "::1" : "127.0.0.1"] : [];
  const added = [...theirs, ...loopback, ...shape.extraSans];
  const replaced = [user?.document, ...(user?.nodes ?? [])].some((part) => replacesSans(part?.kubeadmConfigPatches));
  if (added.length === 0 && !replaced) return undefined;
  const certSANs = [...new Set(["localhost", shape.apiServerAddress, ...added])];
  return JSON.stringify({ kind: "ClusterConfiguration", apiServer: { certSANs } });
}

/** What each patch that speaks of the API server's names puts in their place: a list, or nothing. */
function sanListsIn(patches: unknown): readonly unknown[] {
  return patchesOf(patches)
    .flatMap(splitDocuments)
    .flatMap((patch) => {
      const value = readPatch(patch);
      if (!isRecord(value) || value.kind !== "ClusterConfiguration" || !("apiServer" in value)) return [];
      if (!isRecord(value.apiServer)) return [value.apiServer];
      return "certSANs" in value.apiServer ? [value.apiServer.certSANs] : [];
    });
}

function replacesSans(patches: unknown): boolean {
  return sanListsIn(patches).length > 0;
}

function certSansIn(patches: unknown): readonly string[] {
  return sanListsIn(patches)
    .flatMap(asList)
    .filter((name) => typeof name === "string");
}

function roleOf(node: KindConfiguration): ClusterNode["role"] {
  return node.role === "worker" ? "worker" : "control-plane";
}

function textOr<T>(value: unknown, fallback: T): string | T {
  return typeof value === "string" && value !== "" ? value : fallback;
}

function ipv6Only(networking: KindConfiguration | undefined): boolean {
  return networking?.ipFamily === "ipv6";
}

function isRecord(value: unknown): value is KindConfiguration {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isPatchList(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === "string"));
}

function patchesOf(value: unknown): readonly string[] {
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
