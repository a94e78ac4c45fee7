import type { Versions } from "../versions/resolve.ts";
import { renderGantt } from "./gantt.ts";
import type { Phase } from "./timeline.ts";

/** What the summary tells of a run that came to its end. */
export interface RunReport {
  readonly cluster: string;
  readonly versions: Versions;
  readonly nodes: readonly string[];
  readonly endpoint: string;
  readonly endpointExternal: string;
  readonly readiness: string;
  readonly user: string;
  readonly rbac: string;
  readonly certificateExpires: Date;
  readonly files: readonly { readonly name: string; readonly path: string; readonly what: string }[];
  readonly artifact: string;
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

/** The job summary in Markdown. */
export function renderSummary(report: RunReport): string {
  const { versions } = report;
  return [
    `## Kubernetes cluster \`${report.cluster}\``,
    "",
    table(
      ["Component", "Version", "Why"],
      [
        ["Kubernetes", versions.kubernetes, versions.reasons.kubernetes],
        ["kind", versions.kind, versions.reasons.kind],
        ["kubectl", versions.kubectl, versions.reasons.kubectl],
      ],
    ),
    "",
    ...versions.warnings.map((warning) => `> [!WARNING]\n> ${warning}\n`),
    table(
      ["Cluster", ""],
      [
        ["Nodes", report.nodes.map(code).join(", ")],
        ["Node image", code(versions.nodeImage)],
        ["Ready", report.readiness],
        ["Endpoint in kind's network", code(report.endpoint)],
        ["Endpoint on the host", code(report.endpointExternal)],
        ["User", `${code(report.user)}, rights: ${report.rbac}`],
        ["Certificate expires", report.certificateExpires.toISOString()],
        ["Artifact", report.artifact],
      ],
    ),
    "",
    table(
      ["Credential file", "What it is", "Path"],
      report.files.map((file) => [code(file.name), file.what, code(file.path)]),
    ),
    "",
    ...(report.torch === undefined
      ? []
      : [
          table(
            ["TORCH-V2", "Name", ""],
            torchRows(report.torch).map(([name, value, note]) => [name, code(value), note]),
          ),
          "",
        ]),
    ...renderPhases(report.phases),
  ].join("\n");
}

/** The phases as a chart, and folded away as numbers. */
function renderPhases(phases: readonly Phase[]): readonly string[] {
  if (phases.length === 0) return [];
  return [
    ...renderGantt(phases),
    "",
    "<details><summary>Phases in seconds</summary>",
    "",
    table(["Phase", "From", "Took"], phases.map(phaseRow)),
    "",
    "</details>",
    "",
  ];
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

/** GitHub takes no summary of more than 1 MiB; what is quoted grows a little. */
const MAX_MESSAGE = 400_000;

/** The summary of a run that failed: what is wrong and what to do, first. */
export function renderFailure(message: string, phases: readonly Phase[]): string {
  return [
    "## The step failed: the cluster, or TORCH-V2 on it, was not set up",
    "",
    "> [!CAUTION]",
    ...quoteMessage(message.slice(0, MAX_MESSAGE)),
    "",
    ...renderPhases(phases),
  ].join("\n");
}

/** A message as a quotation that keeps its lines; those that are indented are somebody's output, and shown as it is. */
function quoteMessage(message: string): readonly string[] {
  const quoted: string[] = [];
  let fenced = false;
  for (const line of [...message.split("\n"), undefined]) {
    const output = line?.startsWith("  ") ?? false;
    if (output !== fenced) quoted.push(output ? "> ~~~~~~~~text" : "> ~~~~~~~~");
    fenced = output;
    if (line !== undefined) quoted.push(`> ${output ? line.slice(2) : `${escapeMarkdown(line)}<br>`}`);
  }
  return quoted;
}

/** Text as Markdown that shows just that: no tag, no emphasis, no reference to an issue. */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replace(/[\\`*_[\]~#|]/g, "\\$&");
}

/** The same report for a terminal or a log. */
export function renderLog(report: RunReport): readonly string[] {
  const { versions } = report;
  const rows: readonly (readonly [string, string])[] = [
    ["Kubernetes", `${versions.kubernetes} (${versions.reasons.kubernetes})`],
    ["kind", `${versions.kind} (${versions.reasons.kind})`],
    ["kubectl", `${versions.kubectl} (${versions.reasons.kubectl})`],
    ["Node image", versions.nodeImage],
    ["Nodes", report.nodes.join(", ")],
    ["Ready", report.readiness],
    ["Endpoint", `${report.endpoint} (in kind's Docker network)`],
    ["", `${report.endpointExternal} (on the host)`],
    ["User", `${report.user}, rights: ${report.rbac}`],
    ["Certificate", `expires ${report.certificateExpires.toISOString()}`],
    ["Artifact", report.artifact],
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

function phaseRow({ name, start, end = start, state }: Phase): readonly string[] {
  return [state === "done" ? name : `${name} (${state})`, seconds(start), seconds(end - start)];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function pad(text: string | undefined, width: number): string {
  return (text ?? "").padEnd(width);
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replace(/\s*[\r\n\u2028\u2029]\s*/g, " ").replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
