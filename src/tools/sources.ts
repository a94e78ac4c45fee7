export type ToolName = "kind" | "kubectl";

/** Where a tool's binary and its checksum file are published. */
export interface ToolSource {
  readonly url: string;
  readonly checksumUrl: string;
}

/**
 * What vouches for a binary that the catalog has no checksum of: the project's own host over https, a mirror over
 * https, or nothing, because anyone on the way can change what comes over http.
 */
export type Voucher = "origin" | "mirror" | "nothing";

/** The projects' own download hosts. */
export const OFFICIAL: Readonly<Record<ToolName, string>> = {
  kind: "https://kind.sigs.k8s.io/dl",
  kubectl: "https://dl.k8s.io/release",
};

/** The official paths of a tool's binary, under the official base or a mirror's. */
export function toolSource(
  tool: ToolName,
  version: string,
  architecture: string,
  mirror: string | undefined,
): ToolSource {
  const base = mirror ?? OFFICIAL[tool];
  if (tool === "kind") {
    const url = `${base}/v${version}/kind-linux-${architecture}`;
    return { url, checksumUrl: `${url}.sha256sum` };
  }
  const url = `${base}/v${version}/bin/linux/${architecture}/kubectl`;
  return { url, checksumUrl: `${url}.sha256` };
}

/** What vouches for a tool whose binary and checksum were both downloaded from an address. */
export function voucherFor(tool: ToolName, url: string): Voucher {
  if (url.startsWith(`${OFFICIAL[tool]}/`)) return "origin";
  return /^https:/i.test(url) ? "mirror" : "nothing";
}
