import type { Problem } from "../../errors.ts";
import type { DnsMode, Inputs } from "../../inputs/inputs.ts";
import { type ClusterNode, nameNodes, nodeNames } from "../../values/nodes.ts";
import { CONFIGURATION_INPUT, type KindConfiguration, type UserConfiguration } from "./read.ts";
import type { Path } from "./reader.ts";

/** kind's defaults for IPv4. */
const POD_SUBNET = "10.244.0.0/16";
const SERVICE_SUBNET = "10.96.0.0/16";

/** A field as the user wrote it: the input, and the value with the field's name where it stands in a file. */
export type Field = Pick<Problem, "input" | "value">;

/** What the cluster is to be: the inputs and the user's configuration, made one. */
export interface ClusterShape {
  readonly name: string;
  /** Where the user wrote the name, for what is wrong with it; the input where it is the default. */
  readonly nameField: Field;
  readonly nodes: readonly ClusterNode[];
  readonly dns: DnsMode;
  readonly apiServerAddress: string;
  readonly addressField: Field;
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
  const contradiction = (input: string, value: string, path: Path, theirs: string) => {
    const place = [user?.source, user?.positionOf(path)].filter((part) => part !== undefined).join(", ");
    problems.push({
      input: `${input} and ${CONFIGURATION_INPUT}`,
      value,
      reason: `contradicts ${CONFIGURATION_INPUT} (${place}), which has ${theirs}`,
      allowed: "the same in both, or one of the two",
      fix: `leave ${input} out, or take it out of the kind configuration`,
    });
  };

  if (inputs.clusterName !== undefined && user?.name !== undefined && inputs.clusterName !== user.name) {
    contradiction("cluster-name", inputs.clusterName, ["name"], `name: ${user.name}`);
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
        contradiction(input, String(wanted), ["nodes"], `${counted(role)} node(s) of role ${role}`);
      }
    }
    if (counted("control-plane") === 0) {
      problems.push({
        input: CONFIGURATION_INPUT,
        value: user?.source ?? "",
        reason: `${user?.placeOf(["nodes"])} has no control-plane node`,
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
  const nameField: Field =
    inputs.clusterName === undefined && user?.name !== undefined
      ? fieldAt(user, ["name"], name)
      : { input: "cluster-name", value: name };
  const longest = nodeNames(name, nodes).toSorted((a, b) => b.length - a.length)[0] ?? name;
  if (longest.length > 63) {
    const room = 63 - (longest.length - name.length);
    problems.push({
      ...nameField,
      reason: `is too long: the node ${longest} would have a hostname of ${longest.length} characters`,
      allowed: `at most ${room} characters with these nodes, as a hostname has at most 63`,
      fix: "choose a shorter name",
    });
  }

  if (inputs.nodeImage !== undefined) {
    for (const [index, node] of (user?.nodes ?? []).entries()) {
      if (typeof node.image === "string" && node.image !== inputs.nodeImage) {
        contradiction("node-image", inputs.nodeImage, ["nodes", index, "image"], `image: ${node.image}`);
      }
    }
  }
  const theirAddress = textOr(user?.networking.apiServerAddress, undefined);
  if (inputs.apiServerAddress !== undefined && theirAddress !== undefined && theirAddress !== inputs.apiServerAddress) {
    const path = ["networking", "apiServerAddress"];
    contradiction("api-server-address", inputs.apiServerAddress, path, `${path.join(".")}: ${theirAddress}`);
  }
  const theirSearch = user?.networking.dnsSearch ?? undefined;
  if (inputs.dns !== undefined && theirSearch !== undefined) {
    const shown = inputs.dns.kind === "resolv-conf" ? inputs.dns.path : inputs.dns.kind;
    contradiction("dns", shown, ["networking", "dnsSearch"], `networking.dnsSearch: ${JSON.stringify(theirSearch)}`);
  }
  const parts =
    user === undefined
      ? []
      : [{ part: user.document, path: [] }, ...user.nodes.map((part, index) => ({ part, path: ["nodes", index] }))];
  const handsResolvConf = inputs.dns?.kind === "docker-host" || inputs.dns?.kind === "resolv-conf";
  const setsResolvConf = parts.find(({ part }) => /resolvConf/.test(JSON.stringify(part.kubeadmConfigPatches ?? "")));
  if (handsResolvConf && setsResolvConf !== undefined) {
    const path = [...setsResolvConf.path, "kubeadmConfigPatches"];
    contradiction("dns", inputs.dns?.kind ?? "", path, "a kubeadm patch with a resolvConf of its own");
  }
  // JSON patches come after every other one, ours too: a list of names that is replaced there is lost.
  const replacesNames = parts.find(({ part }) =>
    /replace[^}]*certSANs|certSANs[^}]*replace/.test(JSON.stringify(part.kubeadmConfigPatchesJSON6902 ?? "")),
  );
  if (inputs.extraSans.length > 0 && replacesNames !== undefined) {
    const path = [...replacesNames.path, "kubeadmConfigPatchesJSON6902"];
    contradiction("extra-sans", inputs.extraSans.join(", "), path, "a JSON patch that replaces certSANs");
  }
  return {
    name,
    nameField,
    nodes,
    dns: inputs.dns ?? (theirSearch === undefined ? { kind: "no-search-domains" } : { kind: "inherit" }),
    apiServerAddress: inputs.apiServerAddress ?? theirAddress ?? (ipv6Only(user?.networking) ? "::1" : "127.0.0.1"),
    addressField: addressField(inputs.apiServerAddress, user),
    extraSans: inputs.extraSans,
    podSubnet: textOr(user?.networking.podSubnet, POD_SUBNET),
    serviceSubnet: textOr(user?.networking.serviceSubnet, SERVICE_SUBNET),
    defaultCni: user?.networking.disableDefaultCNI !== true,
    problems,
  };
}

function addressField(given: string | undefined, user: UserConfiguration | undefined): Field {
  if (given !== undefined) return { input: "api-server-address", value: given };
  const theirs = textOr(user?.networking.apiServerAddress, undefined);
  if (user !== undefined && theirs !== undefined) return fieldAt(user, ["networking", "apiServerAddress"], theirs);
  return user !== undefined && ipv6Only(user.networking)
    ? fieldAt(user, ["networking", "ipFamily"], "ipv6")
    : { input: "api-server-address", value: "127.0.0.1" };
}

/** A field of the user's configuration, with where it stands. */
function fieldAt(user: UserConfiguration, path: Path, value: string): Field {
  const position = user.positionOf(path);
  const place = position === undefined ? user.source : `${position} of ${user.source}`;
  return { input: CONFIGURATION_INPUT, value: `${path.join(".")}: ${value} (${place})` };
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
