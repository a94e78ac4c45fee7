import { parse } from "node:path";

export type ToolName = "kind" | "kubectl";

/** Where a tool's binary and its checksum file lie. */
export interface ToolSource {
  readonly url: string;
  readonly checksumUrl: string;
}

/**
 * What vouches for a binary that the catalog has no checksum of: the project's own host over https, a mirror over
 * https, or nothing, for anyone on the way can change what comes over http.
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

/** What vouches for a tool that was downloaded from an address, where its checksum came from there too. */
export function voucherFor(tool: ToolName, url: string): Voucher {
  if (url.startsWith(`${OFFICIAL[tool]}/`)) return "origin";
  return /^https:/i.test(url) ? "mirror" : "nothing";
}

/**
 * The SHA-256 in a checksum file: bare hex (kubectl's form) or `<hex>  <name>` lines (kind's), of the named file.
 * Anything else, such as a proxy's error page, is `undefined`.
 */
export function parseChecksum(text: string, file: string): string | undefined {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const [only] = lines;
  if (lines.length === 1 && only !== undefined && /^[0-9a-f]{64}$/i.test(only)) return only.toLowerCase();
  for (const line of lines) {
    const [, sum, name] = /^([0-9a-f]{64})\s+\*?(\S+)$/i.exec(line) ?? [];
    if (sum !== undefined && name !== undefined && parse(name).base === file) return sum.toLowerCase();
  }
  return undefined;
}
