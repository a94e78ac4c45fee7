import { imageReference } from "./images.ts";
import type { Parsed } from "./issue.ts";

/** Where an image comes from that the nodes are to have. */
export type ImageSource =
  | { readonly kind: "reference"; readonly reference: string }
  | { readonly kind: "archive"; readonly path: string };

const ALLOWED = "name:tag of an image, or the path of a *.tar archive of images in the workspace";

/** Reads an item of a list of images: what ends in `.tar` is the path of an archive, anything else a reference. */
export function imageSource(path: (text: string) => Parsed<string>) {
  return (text: string): Parsed<ImageSource> => {
    if (/\.tar$/.test(text)) {
      const parsed = path(text);
      return "value" in parsed ? { value: { kind: "archive", path: parsed.value } } : parsed;
    }
    if (/\.(?:tgz|tar\.\w+)$/.test(text)) {
      return refuse("is a compressed archive", "decompress it in an earlier step (gunzip), and name the .tar file");
    }
    if (text.includes("@")) {
      return refuse(
        "has a digest, and an archive of Docker's keeps none",
        "write the tag alone; to be sure of the content, pull by digest and docker tag it in an earlier step",
      );
    }
    const parsed = imageReference(text);
    if ("value" in parsed) return { value: { kind: "reference", reference: parsed.value } };
    return refuse("is not an image reference with a tag, and not an archive", "write the image with its tag");
  };
}

function refuse(reason: string, fix: string): Parsed<never> {
  return { issue: { reason, allowed: ALLOWED, fix } };
}
