import type { Phase } from "../timeline.ts";
import type { Versions } from "../versions/resolve.ts";
import { renderGantt } from "./gantt.ts";
import {
  alert,
  byteLength,
  type Content,
  code,
  details,
  heading,
  inline,
  join,
  link,
  list,
  type Markdown,
  messageAlert,
  SUMMARY_BYTES,
  table,
} from "./markdown.ts";

/** What the summary tells of a run that came to its end. */
export interface Report {
  readonly cluster: string;
  readonly versions: Versions;
  /** How the tools came here, and what vouches for them. */
  readonly origins: { readonly kind: string; readonly kubectl: string };
  readonly nodes: readonly string[];
  /** The nodes' images, with their digests. */
  readonly nodeImages: readonly string[];
  /** The proxies that the job's environment sets, without passwords. */
  readonly proxies: readonly string[];
  readonly endpoint: string;
  readonly endpointExternal: string;
  readonly readiness: string;
  readonly user: string;
  readonly rbac: string;
  readonly certificateExpires: Date;
  readonly files: readonly { readonly name: string; readonly path: string; readonly what: string }[];
  /** The artifact with the credentials, or a word where there is none. */
  readonly artifact: string | { readonly name: string; readonly url: string };
  /** TORCH-V2 as it runs; `undefined` where it was not booted. */
  readonly torch: TorchReport | undefined;
  readonly phases: readonly Phase[];
}

/** What the summary tells of TORCH-V2. */
export interface TorchReport {
  /** Addresses on this machine. */
  readonly dashboard: string;
  readonly engine: string;
  readonly broker: string;
  /** How many processes the engine has from the BPMN plans. */
  readonly processes: number;
  readonly deployed:
    | { readonly template: string; readonly nodes: readonly string[]; readonly objects: readonly string[] }
    | undefined;
}

/** The job summary, in at most `room` bytes. */
export function renderSummary(report: Report, room: number = SUMMARY_BYTES): Markdown {
  const { versions } = report;
  const blocks = [
    heading(2, inline`Kubernetes cluster ${code(report.cluster)}`),
    table(
      ["Component", "Version", "Why", "Origin"],
      [
        ["Kubernetes", versions.kubernetes, versions.reasons.kubernetes, ""],
        ["kind", versions.kind, versions.reasons.kind, report.origins.kind],
        ["kubectl", versions.kubectl, versions.reasons.kubectl, report.origins.kubectl],
      ],
    ),
    ...versions.warnings.map((warning) => alert("WARNING", warning)),
    table(
      ["Cluster", ""],
      [
        ["Nodes", list(report.nodes.map(code))],
        ["Node image", list(report.nodeImages.map(code))],
        ["Ready", report.readiness],
        ["Endpoint in kind's network", code(report.endpoint)],
        ["Endpoint on the host", code(report.endpointExternal)],
        ["User", inline`${code(report.user)}, rights: ${report.rbac}`],
        ["Certificate expires", report.certificateExpires.toISOString()],
        ["Artifact", renderArtifact(report.artifact)],
        ...(report.proxies.length === 0 ? [] : [["Proxy", `${report.proxies.join(", ")} (${PROXY_NOTE})`]]),
      ],
    ),
    table(
      ["Credential file", "What it is", "Path"],
      report.files.map((file) => [code(file.name), file.what, code(file.path)]),
    ),
    ...(report.torch === undefined
      ? []
      : [
          table(
            ["TORCH-V2", "Name", ""],
            torchRows(report.torch).map(([name, value, note]) => [name, code(value), note]),
          ),
        ]),
    ...renderPhases(report.phases),
  ];
  return join(blocks, room);
}

const PROXY_NOTE = "this step does not use it for the API server; later steps do, unless NO_PROXY has the address";

function renderArtifact(artifact: Report["artifact"]): Content {
  return typeof artifact === "string" ? artifact : inline`${artifact.name} (${link(artifact.url, artifact.url)})`;
}

/** The phases as a chart, and folded away as numbers. */
function renderPhases(phases: readonly Phase[]): readonly Markdown[] {
  if (phases.length === 0) return [];
  return [renderGantt(phases), details("Phases in seconds", [table(["Phase", "From", "Took"], phases.map(phaseRow))])];
}

/** A row each: what it is, its name or address, and what there is to say of it. */
function torchRows({ dashboard, engine, broker, processes, deployed }: TorchReport) {
  const rows: (readonly [string, string, string])[] = [
    ["Dashboard", dashboard, ""],
    ["Flowable engine", engine, `${processes} processes of the BPMN plans`],
    ["Service broker", broker, ""],
  ];
  if (deployed !== undefined) {
    const { template, nodes, objects } = deployed;
    rows.push(["Template", template, `every node started: ${nodes.join(", ")}`]);
    rows.push(["Namespace", template, objects.join(", ")]);
  }
  return rows;
}

/** The summary of a run that failed, in at most `room` bytes: what is wrong and what to do, first. */
export function renderFailure(message: string, phases: readonly Phase[], room: number = SUMMARY_BYTES): Markdown {
  const title = heading(2, "The step failed: the cluster, or TORCH-V2 on it, was not set up");
  const chart = renderPhases(phases);
  const left = room - byteLength(join([title, ...chart]).toString()) - "\n".length;
  return join([title, messageAlert("CAUTION", message, left), ...chart], room);
}

/** The same report for a terminal or a log. */
export function renderLog(report: Report): readonly string[] {
  const { versions } = report;
  const rows: readonly (readonly [string, string])[] = [
    ["Kubernetes", `${versions.kubernetes} (${versions.reasons.kubernetes})`],
    ["kind", `${versions.kind} (${versions.reasons.kind})`],
    ["kubectl", `${versions.kubectl} (${versions.reasons.kubectl})`],
    ["Node image", report.nodeImages.join(", ")],
    ["Nodes", report.nodes.join(", ")],
    ["Ready", report.readiness],
    ["Endpoint", `${report.endpoint} (in kind's Docker network)`],
    ["", `${report.endpointExternal} (on the host)`],
    ["User", `${report.user}, rights: ${report.rbac}`],
    ["Certificate", `expires ${report.certificateExpires.toISOString()}`],
    ["Artifact", describeArtifact(report.artifact)],
    ...report.proxies.map((proxy) => ["Proxy", `${proxy} (${PROXY_NOTE})`] as const),
    ...report.files.map((file, index) => [index === 0 ? "Files" : "", file.path] as const),
    ...(report.torch === undefined ? [] : torchRows(report.torch)).map(
      ([name, value, note]) => [name, note === "" ? value : `${value} (${note})`] as const,
    ),
  ];
  const phases = report.phases.map((phase) => {
    const [name, from, took] = phaseRow(phase);
    return `  ${pad(name, 34)} ${from?.padStart(8)}  ${took?.padStart(8)}`;
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, value]) => `${pad(name, width)}  ${value}`),
    "",
    `  ${pad("Phase", 34)}     from      took`,
    ...phases,
  ];
}

function describeArtifact(artifact: Report["artifact"]): string {
  return typeof artifact === "string" ? artifact : `${artifact.name} (${artifact.url})`;
}

function phaseRow({ name, start, end = start, state }: Phase): readonly string[] {
  return [state === "done" ? name : `${name} (${state})`, seconds(start), seconds(end - start)];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function pad(text: string | undefined, width: number): string {
  return (text ?? "").padEnd(width);
}
