import semver from "semver";
import type { Problem } from "../errors.ts";
import { versionOfImage } from "./node-image.ts";
import { type ConfiguredImage, minorOf } from "./request.ts";
import { isWithin, kubeletRange } from "./skew.ts";

/** Checks that the skew policy allows the kubelets of the nodes' own images. Images without a version are left out. */
export function checkKubelets(
  nodes: readonly ConfiguredImage[],
  apiServer: string,
): { readonly problems: readonly Problem[]; readonly warnings: readonly string[] } {
  const kubelets = nodes.flatMap(({ image }) => {
    const version = image === undefined ? undefined : versionOfImage(image);
    return image === undefined || version === undefined ? [] : [{ image, version }];
  });
  const range = kubeletRange(apiServer);
  const problems = kubelets
    .filter(({ version }) => {
      const isNewerPatch = minorOf(version) === minorOf(apiServer) && semver.gt(version, apiServer);
      return isNewerPatch || !isWithin(version, range);
    })
    .map(
      ({ image, version }): Problem => ({
        input: "kind-config",
        value: image,
        reason: `has kubelet ${version}, which the version skew policy does not allow with API server ${apiServer}`,
        allowed: `kubelets from ${range[0]} up to ${apiServer}`,
        fix: "choose an image in this range for that node",
      }),
    );
  return { problems, warnings: warnAboutMixture([apiServer, ...kubelets.map(({ version }) => version)]) };
}

function warnAboutMixture(versions: readonly string[]): readonly string[] {
  const mixed = [...new Set(versions)].toSorted(semver.compare);
  if (mixed.length === 1) return [];
  return [
    `The nodes' images have several Kubernetes versions (${mixed.join(", ")}): each node joins with the kubeadm of its own image, and kubeadm supports less version skew than the kubelet does. Fix: if a node does not join, use the same image for all nodes.`,
  ];
}
