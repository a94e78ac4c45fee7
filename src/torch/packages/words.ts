import { PACKAGE_TOOLS, type PackageTool } from "./plan.ts";

/** What became of one program's cache. */
export interface ToolState {
  readonly tool: PackageTool;
  readonly state: "kept" | "unchanged";
  readonly bytes: number;
  readonly fingerprint: string;
}

/** What a run did with the caches. */
export interface PackageReport {
  /** For the log and the summary. */
  readonly text: string;
  /** Names what is kept, where that has changed; else empty. */
  readonly key: string;
}

/** A size as people read it. */
export function megabytes(bytes: number): string {
  return bytes < 950_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(0)} MB`;
}

/** Says which archives were restored. */
export function describeRestored(archives: readonly { readonly tool: PackageTool; readonly bytes: number }[]): string {
  return `package caches of ${sumOf(archives)} restored (${archives.map(({ tool }) => tool).join(", ")})`;
}

/** Says what became of the caches. @param restored what the dashboard has started with. */
export function describeCaches(
  restored: readonly { readonly tool: PackageTool; readonly bytes: number }[],
  states: readonly ToolState[],
  hash: (text: string) => string,
): PackageReport {
  const changed = states.filter(({ state }) => state === "kept");
  const before = restored.length === 0 ? "no package caches restored" : describeRestored(restored);
  const list = changed.map(({ tool, bytes }) => `${tool} ${megabytes(bytes)}`).join(", ");
  const unchanged = states.length === 0 ? "none kept" : "unchanged";
  const after = changed.length === 0 ? unchanged : `kept: ${list}`;
  const all = PACKAGE_TOOLS.flatMap((tool) => states.find((each) => each.tool === tool) ?? []);
  const text = `${before}; ${after}`;
  return {
    text,
    key: changed.length === 0 ? "" : hash(all.map(({ fingerprint }) => fingerprint).join("\n")).slice(0, 16),
  };
}

function sumOf(archives: readonly { readonly bytes: number }[]): string {
  return megabytes(archives.reduce((sum, { bytes }) => sum + bytes, 0));
}
