import { execInContainer } from "../docker/containers.ts";
import { Failure } from "../errors.ts";
import { CommandError, type Exec } from "../exec.ts";
import { wholeName } from "../values/images.ts";
import { IMAGES_MOUNT } from "./config/render.ts";

/** An archive in the folder that the nodes mount. */
export interface MountedArchive {
  /** Its name in that folder. */
  readonly file: string;
  /** The names of the images in it. */
  readonly images: readonly string[];
}

/**
 * The script that runs in a node: `$1` is the archive, every further argument an image of it. containerd answers by then,
 * or is about to. Of an image with several platforms it takes the node's own, whatever else the archive lacks, and unpacks
 * it where a pod first uses it (its CRI plugin, WithNewSnapshot): to unpack is the larger part of the work, and kubeadm
 * needs the processors. What unpacking would find is looked for instead: whether an image is whole. The last word has the
 * runtime interface, which the kubelet asks: it knows an image a moment after containerd does.
 */
const IMPORT = `set -eu
tries=0
again() {
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { echo "$1" >&2; exit 1; }
  sleep 0.1
}
until ctr version >/dev/null 2>&1; do again "containerd does not answer"; done
ctr --namespace=k8s.io images import --no-unpack "$1" >/dev/null
shift
tries=0
for image in "$@"; do
  found=$(ctr --namespace=k8s.io images check "name==\\"$image\\"" 2>&1) || true
  case "$found" in
    *" complete ("*) ;;
    *) echo "$image is not whole, or not for this processor: $found" >&2; exit 1 ;;
  esac
  until crictl inspecti "$image" >/dev/null 2>&1; do again "containerd has not taken up $image"; done
done`;

/** The command that imports an archive in a node. */
export function importCommand({ file, images }: MountedArchive): readonly string[] {
  return ["sh", "-c", IMPORT, "sh", `${IMAGES_MOUNT}/${file}`, ...images.map(wholeName)];
}

/** Imports an archive in a node. @throws Failure that names the images and the node, with containerd's own words. */
export async function importArchive(
  node: { readonly id: string; readonly name: string },
  archive: MountedArchive,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const images = archive.images.join(", ");
  const options = { timeoutSeconds: 1200, purpose: `loading ${images} into ${node.name}`, signal };
  try {
    await execInContainer(node.id, importCommand(archive), options, exec);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const fix = "check that the image is whole and for the node's processor, and that the disk is not full";
    throw new Failure(error.message, { fix, cause: error, retryable: false });
  }
}
