import type { Phase } from "../timeline.ts";
import { PROXY_NOTE, phaseRow, type Report, type TorchReport, torchRows } from "./content.ts";
import { renderGantt } from "./gantt.ts";
import { alert, details, heading, join, type Markdown, messageAlert, table } from "./markdown/blocks.ts";
import { type Content, code, inline, link, list } from "./markdown/inline.ts";
import { byteLength, SUMMARY_BYTES } from "./markdown/size.ts";

/** The job summary of a run that succeeded, in at most `room` bytes. */
export function renderSummary(report: Report, room: number = SUMMARY_BYTES): Markdown {
  const blocks = [
    heading(2, inline`Kubernetes cluster ${code(report.cluster)}`),
    versionTable(report),
    ...report.versions.warnings.map((warning) => alert("WARNING", warning)),
    clusterTable(report),
    fileTable(report),
    ...(report.torch === undefined ? [] : [torchTable(report.torch)]),
    ...renderPhases(report.phases),
  ];
  return join(blocks, room);
}

/** The job summary of a run that failed, in at most `room` bytes: what is wrong and how to fix it come first. */
export function renderFailure(message: string, phases: readonly Phase[], room: number = SUMMARY_BYTES): Markdown {
  const title = heading(2, "The step failed: the cluster, or TORCH-V2 on it, was not set up");
  const chart = renderPhases(phases);
  const left = room - byteLength(join([title, ...chart]).toString()) - "\n".length;
  return join([title, messageAlert("CAUTION", message, left), ...chart], room);
}

function versionTable({ versions, origins }: Report): Markdown {
  return table(
    ["Component", "Version", "Why", "Origin"],
    [
      ["Kubernetes", versions.kubernetes, versions.reasons.kubernetes, ""],
      ["kind", versions.kind, versions.reasons.kind, origins.kind],
      ["kubectl", versions.kubectl, versions.reasons.kubectl, origins.kubectl],
    ],
  );
}

function clusterTable(report: Report): Markdown {
  return table(
    ["Cluster", ""],
    [
      ["Nodes", list(report.nodes.map(code))],
      ["Node image", list(report.nodeImages.map(code))],
      ...(report.cniManifests.length === 0 ? [] : [["Pod network", list(report.cniManifests.map(code))]]),
      ...(report.loaded.length === 0 ? [] : [["Images loaded", list(report.loaded.map(renderLoaded))]]),
      ["Ready", report.readiness],
      ...(report.pulls ?? []),
      ...(report.loadBalancer ?? []),
      ...(report.liqo ?? []),
      ["Endpoint in kind's network", code(report.endpoint)],
      ["Endpoint for this job's steps", code(report.endpointExternal)],
      ["User", inline`${code(report.user)}, rights: ${report.rbac}`],
      ["Certificate expires", report.certificateExpires.toISOString()],
      ["Artifact", renderArtifact(report.artifact)],
      ...(report.proxies.length === 0 ? [] : [["Proxy", `${report.proxies.join(", ")} (${PROXY_NOTE})`]]),
    ],
  );
}

function renderLoaded({ image, origin }: Report["loaded"][number]): Content {
  return inline`${code(image)} (${origin})`;
}

function renderArtifact(artifact: Report["artifact"]): Content {
  return typeof artifact === "string" ? artifact : inline`${artifact.name} (${link(artifact.url, artifact.url)})`;
}

function fileTable({ files }: Report): Markdown {
  return table(
    ["Credential file", "What it is", "Path"],
    files.map((file) => [code(file.name), file.what, code(file.path)]),
  );
}

function torchTable(torch: TorchReport): Markdown {
  return table(
    ["TORCH-V2", "Name", ""],
    torchRows(torch).map(([name, value, note]) => [name, code(value), note]),
  );
}

/** The phases as a chart, and folded away as numbers. */
export function renderPhases(phases: readonly Phase[]): readonly Markdown[] {
  if (phases.length === 0) return [];
  return [renderGantt(phases), details("Phases in seconds", [table(["Phase", "From", "Took"], phases.map(phaseRow))])];
}
