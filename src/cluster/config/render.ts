import { CERTS_PATCH } from "../../pulls/hosts.ts";
import { asList, isRecord } from "../../values/data.ts";
import type { Versions } from "../../versions/resolve.ts";
import type { NodeMount } from "../node-files.ts";
import { patchesOf } from "./patches.ts";
import type { UserConfiguration } from "./read.ts";
import { planSans, sanListsIn } from "./sans.ts";
import type { ClusterShape } from "./shape.ts";

/** Where the run's resolv.conf is in the node. */
export const RESOLV_CONF_MOUNT = "/kind-torch/resolv.conf";

/** Where the run's archives of images are in the node. */
export const IMAGES_MOUNT = "/kind-torch/images";

/** What a run adds to the configuration. */
export interface RunAdditions {
  /** What every node mounts besides the user's. */
  readonly mounts: readonly NodeMount[];
  /** Whether the nodes have a resolv.conf of the run's, which the kubelets hand to pods. */
  readonly setsResolvConf: boolean;
  /** Whether the nodes have a folder of the run's that says where containerd pulls from. */
  readonly setsRegistryHosts: boolean;
  /** Kubeadm patches that the user's may override. */
  readonly defaults: readonly string[];
  /** Gives a path of this step as the engine's machine has it. */
  readonly enginePath: (path: string) => string;
}

/** The configuration that kind gets: the user's, with what the plan adds. JSON is YAML, so no YAML writer is needed. */
export function renderKindConfiguration(
  shape: ClusterShape,
  versions: Versions,
  user: UserConfiguration | undefined,
  additions: RunAdditions,
): string {
  const sans = planSans(shape, user, versions);
  return escapeForYaml(
    JSON.stringify({
      kind: "Cluster",
      apiVersion: "kind.x-k8s.io/v1alpha4",
      ...user?.document,
      name: shape.name,
      networking: {
        ...user?.networking,
        ...shape.subnets,
        apiServerAddress: shape.apiServerAddress,
        ...(shape.dns.kind === "inherit" ? {} : { dnsSearch: [] }),
      },
      kubeadmConfigPatches: [
        ...additions.defaults,
        ...resolvConfPatches(additions),
        ...patchesOf(user?.document.kubeadmConfigPatches),
        ...(sans === undefined ? [] : [sans]),
      ],
      ...containerdPatches(additions, user),
      nodes: nodesOf(shape, user).map((node) => ({
        ...node,
        image: node.image ?? versions.nodeImage,
        extraMounts: [...asList(node.extraMounts).map((mount) => translate(mount, additions)), ...mountsOf(additions)],
        // A node's patches are applied after the cluster's, and a list replaces the one before: ours must come last there too.
        ...(sans !== undefined && sanListsIn(node.kubeadmConfigPatches, versions).length > 0
          ? { kubeadmConfigPatches: [...patchesOf(node.kubeadmConfigPatches), sans] }
          : {}),
      })),
    }),
  );
}

function nodesOf(
  shape: Pick<ClusterShape, "nodes">,
  user: UserConfiguration | undefined,
): readonly Readonly<Record<string, unknown>>[] {
  return user !== undefined && user.nodes.length > 0 ? user.nodes : shape.nodes.map(({ role }) => ({ role }));
}

function mountsOf({ mounts }: RunAdditions): readonly object[] {
  return mounts.map((mount) => ({ ...mount, readOnly: true }));
}

/** A mount of the user's, whose path is one of this step's. */
function translate(mount: unknown, { enginePath }: RunAdditions): unknown {
  if (!isRecord(mount) || typeof mount.hostPath !== "string" || mount.hostPath === "") return mount;
  return { ...mount, hostPath: enginePath(mount.hostPath) };
}

/** The user's come after ours. kind restarts containerd for them, so there are none without need. */
function containerdPatches({ setsRegistryHosts }: RunAdditions, user: UserConfiguration | undefined): object {
  if (!setsRegistryHosts) return {};
  return { containerdConfigPatches: [CERTS_PATCH, ...patchesOf(user?.document.containerdConfigPatches)] };
}

function resolvConfPatches({ setsResolvConf }: RunAdditions): readonly string[] {
  if (!setsResolvConf) return [];
  return [JSON.stringify({ kind: "KubeletConfiguration", resolvConf: RESOLV_CONF_MOUNT })];
}

/** Escapes the characters that JSON keeps as they are, but YAML forbids or reads as line breaks. */
function escapeForYaml(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
