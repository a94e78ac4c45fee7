import type { Parsed } from "./issue.ts";

/** The reference of a container image, with a tag or a digest. */
export function imageReference(text: string): Parsed<string> {
  // The grammar of github.com/distribution/reference: what follows it can never be an option of docker's.
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
  const host = `${label}(?:\\.${label})*(?::\\d+)?`;
  const reference = new RegExp(
    `^(?:${host}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
  );
  if (text.length < 512 && reference.test(text) && /:[^/]+$/.test(text)) return { value: text };
  return {
    issue: {
      reason: "is not a full image reference",
      allowed: "name:tag, name@sha256:digest or both, such as kindest/node:v1.31.9@sha256:...",
      fix: "write the image with its tag, preferably with its digest too",
    },
  };
}

/** The whole name of an image: Docker writes those of its own registry short (distribution/reference). */
export function wholeName(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  if (rest.length > 0 && (/[.:]/.test(first) || first === "localhost")) {
    return reference
      .replace(/^index\.docker\.io\//, "docker.io/")
      .replace(/^docker\.io\/([^/]+)$/, "docker.io/library/$1");
  }
  return `docker.io/${rest.length === 0 ? "library/" : ""}${reference}`;
}
