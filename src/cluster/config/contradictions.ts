import type { Problem } from "../../errors.ts";
import type { DnsMode } from "../../values/dns.ts";
import type { Path } from "./places.ts";
import type { UserConfiguration } from "./read.ts";
import { CONFIGURATION_INPUT } from "./reader.ts";
import { roleOf } from "./roles.ts";

/** The inputs that describe the cluster, as a kind configuration does. */
export interface ShapeInputs {
  readonly clusterName: string | undefined;
  readonly controlPlanes: number | undefined;
  readonly workers: number | undefined;
  readonly dns: DnsMode | undefined;
  readonly apiServerAddress: string | undefined;
  readonly extraSans: readonly string[];
  readonly nodeImage: string | undefined;
}

/** An input that contradicts a field of the kind configuration. */
interface Contradiction {
  readonly input: string;
  readonly value: string;
  readonly path: Path;
  /** What the configuration has there. */
  readonly theirs: string;
}

/** Every contradiction between the inputs and the user's kind configuration, as problems that name both. */
export function findContradictions(inputs: ShapeInputs, user: UserConfiguration | undefined): readonly Problem[] {
  if (user === undefined) return [];
  return [
    ...compareNames(inputs, user),
    ...compareCounts(inputs, user),
    ...compareImages(inputs, user),
    ...compareAddresses(inputs, user),
    ...compareSearchDomains(inputs, user),
    ...compareResolvConf(inputs, user),
    ...compareSans(inputs, user),
  ].map((each) => describeContradiction(each, user));
}

function describeContradiction({ input, value, path, theirs }: Contradiction, user: UserConfiguration): Problem {
  const place = [user.source, user.positionOf(path)].filter((part) => part !== undefined).join(", ");
  return {
    input: `${input} and ${CONFIGURATION_INPUT}`,
    value,
    reason: `contradicts ${CONFIGURATION_INPUT} (${place}), which has ${theirs}`,
    allowed: "the same in both, or one of the two",
    fix: `remove ${input}, or remove it from the kind configuration`,
  };
}

function compareNames({ clusterName }: ShapeInputs, { name }: UserConfiguration): readonly Contradiction[] {
  if (clusterName === undefined || name === undefined || clusterName === name) return [];
  return [{ input: "cluster-name", value: clusterName, path: ["name"], theirs: `name: ${name}` }];
}

function compareCounts({ controlPlanes, workers }: ShapeInputs, { nodes }: UserConfiguration) {
  if (nodes.length === 0) return [];
  const wanted = [
    { input: "control-planes", count: controlPlanes, role: "control-plane" },
    { input: "workers", count: workers, role: "worker" },
  ];
  return wanted.flatMap(({ input, count, role }): readonly Contradiction[] => {
    const configured = nodes.filter((node) => roleOf(node) === role).length;
    if (count === undefined || count === configured) return [];
    return [
      {
        input,
        value: String(count),
        path: ["nodes"],
        theirs: `${configured} node${configured === 1 ? "" : "s"} of role ${role}`,
      },
    ];
  });
}

function compareImages({ nodeImage }: ShapeInputs, { nodes }: UserConfiguration): readonly Contradiction[] {
  if (nodeImage === undefined) return [];
  return nodes.flatMap(({ image }, index) =>
    typeof image === "string" && image !== nodeImage
      ? [{ input: "node-image", value: nodeImage, path: ["nodes", index, "image"], theirs: `image: ${image}` }]
      : [],
  );
}

function compareAddresses({ apiServerAddress }: ShapeInputs, user: UserConfiguration): readonly Contradiction[] {
  const configured = user.apiServerAddress;
  if (apiServerAddress === undefined || configured === undefined || apiServerAddress === configured) return [];
  const path = ["networking", "apiServerAddress"];
  return [{ input: "api-server-address", value: apiServerAddress, path, theirs: `${path.join(".")}: ${configured}` }];
}

function compareSearchDomains({ dns }: ShapeInputs, { networking }: UserConfiguration): readonly Contradiction[] {
  const configured = networking.dnsSearch ?? undefined;
  if (dns === undefined || configured === undefined) return [];
  const value = dns.kind === "resolv-conf" ? dns.path : dns.kind;
  const theirs = `networking.dnsSearch: ${JSON.stringify(configured)}`;
  return [{ input: "dns", value, path: ["networking", "dnsSearch"], theirs }];
}

/** The kubelets have one resolv.conf. */
function compareResolvConf({ dns }: ShapeInputs, user: UserConfiguration): readonly Contradiction[] {
  if (dns?.kind !== "docker-host" && dns?.kind !== "resolv-conf") return [];
  const path = findPatches(user, "kubeadmConfigPatches", /resolvConf/);
  if (path === undefined) return [];
  return [{ input: "dns", value: dns.kind, path, theirs: "a kubeadm patch with a resolvConf of its own" }];
}

/** JSON patches are applied after all others, ours too: the names that one replaces are lost. */
function compareSans({ extraSans }: ShapeInputs, user: UserConfiguration): readonly Contradiction[] {
  if (extraSans.length === 0) return [];
  const replaces = /replace[^}]*certSANs|certSANs[^}]*replace/;
  const path = findPatches(user, "kubeadmConfigPatchesJSON6902", replaces);
  if (path === undefined) return [];
  const theirs = "a JSON patch that replaces certSANs";
  return [{ input: "extra-sans", value: extraSans.join(", "), path, theirs }];
}

/** The first list of patches that has these words in it, of the cluster or of a node. */
function findPatches({ document, nodes }: UserConfiguration, field: string, words: RegExp): Path | undefined {
  const parts = [
    { part: document, path: [field] },
    ...nodes.map((part, index) => ({ part, path: ["nodes", index, field] })),
  ];
  return parts.find(({ part }) => words.test(JSON.stringify(part[field] ?? "")))?.path;
}
