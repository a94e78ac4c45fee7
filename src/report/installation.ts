import type { Phase } from "../timeline.ts";
import { renderPhaseLines } from "./log-summary.ts";
import { alert, heading, join, type Markdown, table } from "./markdown/blocks.ts";
import { code } from "./markdown/inline.ts";
import { SUMMARY_BYTES } from "./markdown/size.ts";
import type { ToolOutputs } from "./outputs.ts";
import { renderPhases } from "./summary.ts";

/** What a step with install-only leaves for later steps and for the reader. */
export interface Installation {
  readonly outputs: ToolOutputs;
  /** Why the versions were chosen. */
  readonly reasons: { readonly kind: string; readonly kubectl: string };
  /** Where the tools came from, and what vouches for them. */
  readonly origins: { readonly kind: string; readonly kubectl: string };
  readonly warnings: readonly string[];
  readonly phases: readonly Phase[];
}

/** The job summary, in at most `room` bytes. */
export function renderInstallation(installation: Installation, room: number = SUMMARY_BYTES): Markdown {
  const { outputs, reasons, origins, warnings, phases } = installation;
  const rows = (["kind", "kubectl"] as const).map((tool) => [
    tool,
    outputs[`${tool}-version`],
    reasons[tool],
    origins[tool],
    code(outputs[`${tool}-path`]),
  ]);
  return join(
    [
      heading(2, "kind and kubectl, without a cluster"),
      table(["Tool", "Version", "Why", "Origin", "Path"], rows),
      ...warnings.map((warning) => alert("WARNING", warning)),
      ...renderPhases(phases),
    ],
    room,
  );
}

/** The same as lines for a log or a terminal. */
export function renderInstallationLog({ outputs, reasons, phases }: Installation): readonly string[] {
  return [
    `kind     ${outputs["kind-version"]} (${reasons.kind}), in ${outputs["kind-path"]}`,
    `kubectl  ${outputs["kubectl-version"]} (${reasons.kubectl}), in ${outputs["kubectl-path"]}`,
    ...renderPhaseLines(phases),
  ];
}
