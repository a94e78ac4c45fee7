import type { PullMounts } from "../../pulls/files.ts";
import { CERTS_FOLDER, CERTS_PATCH, KUBELET_CREDENTIALS } from "../../pulls/hosts.ts";
import { asList } from "../../values/data.ts";
import type { Versions } from "../../versions/resolve.ts";
import { patchesOf } from "./patches.ts";
import type { UserConfiguration } from "./read.ts";
import { planSans, sanListsIn } from "./sans.ts";
import type { ClusterShape } from "./shape.ts";

/** Where a node's ownership mount is in the node. */
export const OWNER_MOUNT = "/kind-torch/owner";

/** Where the run's resolv.conf is in the node. */
export const RESOLV_CONF_MOUNT = "/kind-torch/resolv.conf";

/** Where the run's archives of images are in the node. */
export const IMAGES_MOUNT = "/kind-torch/images";

/** What a run adds to the configuration. */
export interface RunAdditions {
  /** A folder of this run alone: its mount proves that the node is this run's. */
  readonly owner: string;
  /** The resolv.conf that the kubelets hand to pods, where one was requested. */
  readonly resolvConf: string | undefined;
  /** The folder of the archives of images that are loaded into the nodes, where there are some. */
  readonly images?: string | undefined;
  /** Kubeadm patches that the user's may override. */
  readonly defaults: readonly string[];
  /** What says how the nodes pull images. */
  readonly pulls?: PullMounts;
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
        extraMounts: [...asList(node.extraMounts), ...mountsOf(additions)],
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

function mountsOf({ owner, resolvConf, images, pulls }: RunAdditions): readonly object[] {
  const mounts = [
    [owner, OWNER_MOUNT],
    [resolvConf, RESOLV_CONF_MOUNT],
    [images, IMAGES_MOUNT],
    [pulls?.certs, CERTS_FOLDER],
    [pulls?.credentials, KUBELET_CREDENTIALS],
  ] as const;
  return mounts.flatMap(([hostPath, containerPath]) =>
    hostPath === undefined ? [] : [{ hostPath, containerPath, readOnly: true }],
  );
}

/** The user's come after ours. kind restarts containerd for them, so there are none without need. */
function containerdPatches({ pulls }: RunAdditions, user: UserConfiguration | undefined): object {
  if (pulls?.certs === undefined) return {};
  return { containerdConfigPatches: [CERTS_PATCH, ...patchesOf(user?.document.containerdConfigPatches)] };
}

function resolvConfPatches({ resolvConf }: RunAdditions): readonly string[] {
  if (resolvConf === undefined) return [];
  return [JSON.stringify({ kind: "KubeletConfiguration", resolvConf: RESOLV_CONF_MOUNT })];
}

/** Escapes the characters that JSON keeps as they are, but YAML forbids or reads as line breaks. */
function escapeForYaml(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
