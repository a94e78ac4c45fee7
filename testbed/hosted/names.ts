/** Which official name answers with what of the test environment. */
export type Target =
  | { readonly kind: "registry" }
  | { readonly kind: "tokens" }
  | { readonly kind: "redirect"; readonly from: RegExp; readonly to: string }
  | { readonly kind: "mirror"; readonly from: RegExp; readonly to: string };

/**
 * The official hosts of images and tools, as their owners have set them up: kind's site redirects to the release's files
 * at GitHub, which redirect to where GitHub keeps them; kubectl's redirects to its cache; Docker Hub needs a token from
 * its own token host.
 */
export const officialNames: Readonly<Record<string, Target>> = {
  "registry-1.docker.io": { kind: "registry" },
  "auth.docker.io": { kind: "tokens" },
  "registry.k8s.io": { kind: "registry" },
  "kind.sigs.k8s.io": {
    kind: "redirect",
    from: /^\/dl\/(v[\d.]+)\/(kind-linux-\w+(?:\.sha256sum)?)$/,
    to: "https://github.com/kubernetes-sigs/kind/releases/download/$1/$2",
  },
  "github.com": {
    kind: "redirect",
    from: /^\/kubernetes-sigs\/kind\/releases\/download\/(.+)$/,
    to: "https://release-assets.githubusercontent.com/kind/$1",
  },
  "release-assets.githubusercontent.com": { kind: "mirror", from: /^\/kind\/(.+)$/, to: "/dl/$1" },
  "dl.k8s.io": { kind: "redirect", from: /^\/(release\/.+)$/, to: "https://cdn.dl.k8s.io/$1" },
  "cdn.dl.k8s.io": { kind: "mirror", from: /^\/(release\/.+)$/, to: "/$1" },
};

/** What a request to an official name gets. */
export type Answer =
  | { readonly kind: "forward"; readonly to: "registry" | "mirror"; readonly path: string }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "unauthorized"; readonly challenge: string }
  | { readonly kind: "token" }
  | { readonly kind: "absent" };

/** Decides what a request gets: a file of the test environment, or what the official host would answer. */
export function planAnswer(host: string, path: string, authorized: boolean): Answer {
  const target = Object.hasOwn(officialNames, host) ? officialNames[host] : undefined;
  switch (target?.kind) {
    case undefined:
      return { kind: "absent" };
    case "tokens":
      return path.startsWith("/token") ? { kind: "token" } : { kind: "absent" };
    case "registry":
      // https://distribution.github.io/distribution/spec/auth/token: a client without a token gets the address of one.
      if (host === "registry-1.docker.io" && !authorized) return { kind: "unauthorized", challenge: challenge(path) };
      return { kind: "forward", to: "registry", path };
    case "redirect":
      return target.from.test(path)
        ? { kind: "redirect", location: path.replace(target.from, target.to) }
        : { kind: "absent" };
    case "mirror":
      return target.from.test(path)
        ? { kind: "forward", to: "mirror", path: path.replace(target.from, target.to) }
        : { kind: "absent" };
  }
}

function challenge(path: string): string {
  const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(path)?.[1];
  const scope = repository === undefined ? "" : `,scope="repository:${repository}:pull"`;
  return `Bearer realm="https://auth.docker.io/token",service="registry.docker.io"${scope}`;
}
