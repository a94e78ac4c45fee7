import type { Phase } from "../timeline.ts";
import { PROXY_NOTE, phaseRow, type Report, torchRows } from "./content.ts";

/** What an entry is, and its value. */
type Row = readonly [name: string, value: string];

/** The report as lines for a log or a terminal. */
export function renderLog(report: Report): readonly string[] {
  const rows = [...clusterRows(report), ...torchLogRows(report)];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), ...renderPhaseLines(report.phases)];
}

/** The phases as a table. */
export function renderPhaseLines(phases: readonly Phase[]): readonly string[] {
  return [
    "",
    `  ${"Phase".padEnd(PHASE_WIDTH)}     from      took`,
    ...phases.map((phase) => {
      const [name, from, took] = phaseRow(phase);
      return `  ${name.padEnd(PHASE_WIDTH)} ${from.padStart(8)}  ${took.padStart(8)}`;
    }),
  ];
}

const PHASE_WIDTH = 34;

function clusterRows(report: Report): readonly Row[] {
  const { versions } = report;
  return [
    ["Kubernetes", `${versions.kubernetes} (${versions.reasons.kubernetes})`],
    ["kind", `${versions.kind} (${versions.reasons.kind})`],
    ["kubectl", `${versions.kubectl} (${versions.reasons.kubectl})`],
    ["Node image", report.nodeImages.join(", ")],
    ["Nodes", report.nodes.join(", ")],
    ...report.cniManifests.map((path): Row => ["Pod network", path]),
    ...report.loaded.map(({ image, origin }, index): Row => [index === 0 ? "Images" : "", `${image} (${origin})`]),
    ["Ready", report.readiness],
    ...(report.pulls ?? []),
    ...(report.loadBalancer ?? []),
    ...(report.liqo ?? []),
    ["Endpoint", `${report.endpoint} (in kind's Docker network)`],
    ["", `${report.endpointExternal} (for this job's steps)`],
    ["User", `${report.user}, rights: ${report.rbac}`],
    ["Certificate", `expires ${report.certificateExpires.toISOString()}`],
    ["Artifact", describeArtifact(report.artifact)],
    ...report.proxies.map((proxy): Row => ["Proxy", `${proxy} (${PROXY_NOTE})`]),
    ...report.files.map((file, index): Row => [index === 0 ? "Files" : "", file.path]),
  ];
}

function torchLogRows({ torch }: Report): readonly Row[] {
  if (torch === undefined) return [];
  return torchRows(torch).map(([name, value, note]) => [name, note === "" ? value : `${value} (${note})`]);
}

function describeArtifact(artifact: Report["artifact"]): string {
  return typeof artifact === "string" ? artifact : `${artifact.name} (${artifact.url})`;
}
