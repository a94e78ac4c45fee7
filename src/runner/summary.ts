import type { Versions } from "../versions/resolve.ts";
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
      ["", ""],
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
            ["TORCH-V2", ""],
            torchRows(report.torch).map(([name, value]) => [name, code(value)]),
          ),
          "",
        ]),
    table(["Phase", "From", "Took"], report.phases.map(phaseRow)),
    "",
  ].join("\n");
}

function torchRows({ dashboard, engine, broker, processes, deployed }: TorchReport) {
  const rows: readonly (readonly [string, string])[] = [
    ["Dashboard", dashboard],
    ["Flowable engine", `${engine} (${processes} processes of the BPMN plans)`],
    ["Service broker", broker],
  ];
  if (deployed === undefined) return rows;
  return [
    ...rows,
    ["Template", deployed.template] as const,
    ["Nodes started", deployed.nodes.join(", ")] as const,
    ["In the namespace", deployed.objects.join(", ")] as const,
  ];
}

/** The summary of a run that failed: what is wrong and what to do, first. */
export function renderFailure(message: string, phases: readonly Phase[]): string {
  return [
    "## The Kubernetes cluster was not set up",
    "",
    ...message.split("\n").map((line) => `> ${line}`),
    "",
    ...(phases.length === 0 ? [] : [table(["Phase", "From", "Took"], phases.map(phaseRow)), ""]),
  ].join("\n");
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
    ...(report.torch === undefined ? [] : torchRows(report.torch)),
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

function phaseRow(phase: Phase): readonly string[] {
  const end = phase.end ?? phase.start;
  return [phase.failed ? `${phase.name} (failed)` : phase.name, seconds(phase.start), seconds(end - phase.start)];
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
